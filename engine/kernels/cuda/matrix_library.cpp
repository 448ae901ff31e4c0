// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cuda/matrix_library.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <tuple>
#include <vector>

#include <cublasLt.h>
#include <dlfcn.h>

namespace dossier::engine::cuda {
namespace {

/// Rows for which an algorithm is chosen; it then serves any number of rows.
constexpr std::uint64_t kReferenceRows = 2048;

struct Functions {
    decltype(&cublasLtCreate) create;
    decltype(&cublasLtDestroy) destroy;
    decltype(&cublasLtGetVersion) version;
    decltype(&cublasLtMatmulDescCreate) descCreate;
    decltype(&cublasLtMatmulDescDestroy) descDestroy;
    decltype(&cublasLtMatmulDescSetAttribute) descSet;
    decltype(&cublasLtMatrixLayoutCreate) layoutCreate;
    decltype(&cublasLtMatrixLayoutDestroy) layoutDestroy;
    decltype(&cublasLtMatrixLayoutSetAttribute) layoutSet;
    decltype(&cublasLtMatmulPreferenceCreate) preferenceCreate;
    decltype(&cublasLtMatmulPreferenceDestroy) preferenceDestroy;
    decltype(&cublasLtMatmulPreferenceSetAttribute) preferenceSet;
    decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
    decltype(&cublasLtMatmulAlgoCheck) algoCheck;
    decltype(&cublasLtMatmul) matmul;

    bool find(void* library, std::string& whyNot) {
        const auto get = [&](const char* symbol, auto& function) {
            function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
                dlsym(library, symbol));
            if (function == nullptr) {
                whyNot = std::string("cuBLAS lacks ") + symbol;
            }
            return function != nullptr;
        };
        return get("cublasLtCreate", create) && get("cublasLtDestroy", destroy) &&
               get("cublasLtGetVersion", version) && get("cublasLtMatmulDescCreate", descCreate) &&
               get("cublasLtMatmulDescDestroy", descDestroy) &&
               get("cublasLtMatmulDescSetAttribute", descSet) &&
               get("cublasLtMatrixLayoutCreate", layoutCreate) &&
               get("cublasLtMatrixLayoutDestroy", layoutDestroy) &&
               get("cublasLtMatrixLayoutSetAttribute", layoutSet) &&
               get("cublasLtMatmulPreferenceCreate", preferenceCreate) &&
               get("cublasLtMatmulPreferenceDestroy", preferenceDestroy) &&
               get("cublasLtMatmulPreferenceSetAttribute", preferenceSet) &&
               get("cublasLtMatmulAlgoGetHeuristic", heuristic) &&
               get("cublasLtMatmulAlgoCheck", algoCheck) && get("cublasLtMatmul", matmul);
    }
};

class Cublas final : public MatrixLibrary {
  public:
    Cublas(const Functions& functions, cublasLtHandle_t handle, void* workspace,
           std::size_t workspaceBytes)
        : m_f(functions),
          m_handle(handle),
          m_workspace(workspace),
          m_workspaceBytes(workspaceBytes) {}
    ~Cublas() override { m_f.destroy(m_handle); }

    std::string name() const override {
        const std::size_t v = m_f.version(); // 130100 = 13.1.0
        return "cuBLAS " + std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." +
               std::to_string(v % 100);
    }

    bool gemm(const Queue& queue, const GemmShape& shape, const Bf16* x, const Bf16* w, void* y,
              bool f32) override {
        const auto key =
            std::make_tuple(shape.out, shape.in, shape.batch, shape.xPitch, shape.yPitch, f32);
        auto found = m_plans.find(key);
        if (found == m_plans.end()) {
            found = m_plans.emplace(key, plan(shape, f32)).first;
        }
        if (!found->second.usable) {
            return false;
        }
        const Problem problem(m_f, shape, shape.rows, f32);
        const float one = 1, zero = 0;
        const cublasStatus_t status = m_f.matmul(
            m_handle, problem.desc, &one, w, problem.a, x, problem.b, &zero, y, problem.d, y,
            problem.d, &found->second.algo, m_workspace, m_workspaceBytes, queue.stream);
        if (status != CUBLAS_STATUS_SUCCESS) {
            throw Error(ErrorCode::Internal,
                        "cuBLAS refused a matrix product of " + std::to_string(shape.rows) + " x " +
                            std::to_string(shape.out) + " x " + std::to_string(shape.in) +
                            " (status " + std::to_string(status) + ")",
                        "Start the engine again, or remove cuBLAS: the engine has own kernels");
        }
        return true;
    }

  private:
    /// y^T = w . x^T in cuBLAS's column-major terms.
    struct Problem {
        Problem(const Functions& functions, const GemmShape& s, std::uint64_t rows, bool f32)
            : f(functions) {
            const cublasOperation_t transposed = CUBLAS_OP_T;
            f.descCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
            f.descSet(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed);
            f.layoutCreate(&a, CUDA_R_16BF, s.in, s.out, s.in);
            f.layoutCreate(&b, CUDA_R_16BF, s.in, rows, s.xPitch);
            f.layoutCreate(&d, f32 ? CUDA_R_32F : CUDA_R_16BF, s.out, rows, s.yPitch);
            if (s.batch > 1) {
                const std::int32_t count = static_cast<std::int32_t>(s.batch);
                const auto step = [&](cublasLtMatrixLayout_t layout, std::uint64_t elements) {
                    const auto distance = static_cast<std::int64_t>(elements);
                    f.layoutSet(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count);
                    f.layoutSet(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &distance,
                                sizeof distance);
                };
                step(a, s.wStep);
                step(b, s.xStep);
                step(d, s.yStep);
            }
        }
        ~Problem() {
            f.layoutDestroy(d);
            f.layoutDestroy(b);
            f.layoutDestroy(a);
            f.descDestroy(desc);
        }
        Problem(const Problem&) = delete;
        Problem& operator=(const Problem&) = delete;
        const Functions& f;
        cublasLtMatmulDesc_t desc = nullptr;
        cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
    };
    struct Plan {
        bool usable = false;
        cublasLtMatmulAlgo_t algo{};
    };

    Plan plan(const GemmShape& shape, bool f32) const {
        const Problem reference(m_f, shape, kReferenceRows, f32);
        cublasLtMatmulPreference_t preference = nullptr;
        m_f.preferenceCreate(&preference);
        const std::uint32_t noReduction = CUBLASLT_REDUCTION_SCHEME_NONE;
        m_f.preferenceSet(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &m_workspaceBytes,
                          sizeof m_workspaceBytes);
        m_f.preferenceSet(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &noReduction,
                          sizeof noReduction);
        std::array<cublasLtMatmulHeuristicResult_t, 16> results{};
        int count = 0;
        m_f.heuristic(m_handle, reference.desc, reference.a, reference.b, reference.d, reference.d,
                      preference, static_cast<int>(results.size()), results.data(), &count);
        m_f.preferenceDestroy(preference);
        Plan plan;
        for (int i = 0; i < count && !plan.usable; ++i) {
            // The algorithm must run whatever the number of rows.
            plan.usable = results[static_cast<std::size_t>(i)].state == CUBLAS_STATUS_SUCCESS;
            plan.algo = results[static_cast<std::size_t>(i)].algo;
            for (const std::uint64_t rows : {1U, 2U, 3U, 7U, 33U, 127U, 1000U, 4096U}) {
                const Problem problem(m_f, shape, rows, f32);
                cublasLtMatmulHeuristicResult_t result{};
                plan.usable =
                    plan.usable &&
                    m_f.algoCheck(m_handle, problem.desc, problem.a, problem.b, problem.d,
                                  problem.d, &plan.algo, &result) == CUBLAS_STATUS_SUCCESS &&
                    result.workspaceSize <= m_workspaceBytes;
            }
        }
        return plan;
    }

    Functions m_f;
    cublasLtHandle_t m_handle;
    void* m_workspace;
    std::size_t m_workspaceBytes;
    std::map<
        std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, bool>,
        Plan>
        m_plans;
};

std::vector<std::string> candidates() {
    namespace fs = std::filesystem;
    const std::string file = "libcublasLt.so.13";
    std::vector<std::string> paths;
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    paths.push_back((program / file).string());
    paths.push_back((program / ".." / "lib" / "dossier" / file).string());
    for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
        if (const char* home = std::getenv(variable)) {
            paths.push_back((fs::path(home) / "lib64" / file).string());
            paths.push_back((fs::path(home) / "lib" / file).string());
        }
    }
    paths.push_back("/usr/local/cuda/lib64/" + file);
    paths.push_back(file); // ld.so's own search
#ifdef DOSSIER_CUDA_LIBRARY_DIR
    paths.push_back(DOSSIER_CUDA_LIBRARY_DIR "/" + file); // of the toolkit that built this program
#endif
    return paths;
}

} // namespace

std::unique_ptr<MatrixLibrary> openMatrixLibrary(void* workspace, std::size_t workspaceBytes,
                                                 std::string& whyNot) {
    void* library = nullptr;
    for (const std::string& path : candidates()) {
        library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library != nullptr) {
            break;
        }
    }
    if (library == nullptr) {
        whyNot = "libcublasLt.so.13 was not found";
        return nullptr;
    }
    Functions functions{};
    cublasLtHandle_t handle = nullptr;
    if (!functions.find(library, whyNot)) {
        return nullptr;
    }
    if (const cublasStatus_t status = functions.create(&handle); status != CUBLAS_STATUS_SUCCESS) {
        whyNot = "cuBLAS does not start (status " + std::to_string(status) + ")";
        return nullptr;
    }
    return std::make_unique<Cublas>(functions, handle, workspace, workspaceBytes);
}

} // namespace dossier::engine::cuda
