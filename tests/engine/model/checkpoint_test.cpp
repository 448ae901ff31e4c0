// SPDX-License-Identifier: Apache-2.0
#include "engine/base/json_text.h"
#include "engine/model/checkpoint.h"

#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/model/scale_checks.h"
#include "engine/model/synthetic.h"
#include "tests/engine/model/sparse_checkpoint.h"
#include "tests/engine/support/configs.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kIndex = "model.safetensors.index.json";

fs::path copyOf(const char* name) {
    const fs::path folder = test::temporaryFolder("copy");
    fs::copy(test::tinyCheckpoint(name), folder, fs::copy_options::recursive);
    return folder;
}

json indexOf(const fs::path& folder) {
    return parseJson(test::readText(folder / kIndex));
}
void writeText(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

Error errorOf(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_FALSE(error.remedy().empty() && error.code() != ErrorCode::Cancelled);
        return error;
    }
    ADD_FAILURE() << "no error";
    return {ErrorCode::Internal, ""};
}
Error openError(const fs::path& folder) {
    return errorOf([&] { Checkpoint::open(folder); });
}

/// The shard of a tensor, and its header as JSON.
struct Shard {
    fs::path path;
    json header;
    std::string data;

    Shard(const fs::path& folder, const std::string& tensor)
        : path(folder / indexOf(folder)["weight_map"][tensor].get<std::string>()) {
        const std::string text = test::readText(path);
        std::uint64_t length = 0;
        std::memcpy(&length, text.data(), 8);
        header = parseJson(text.substr(8, length));
        data = text.substr(8 + length);
    }
    void write() const {
        std::string text = jsonText(header);
        text.append((8 - text.size() % 8) % 8, ' ');
        const std::uint64_t length = text.size();
        std::string bytes(reinterpret_cast<const char*>(&length), 8);
        writeText(path, bytes.append(text).append(data));
    }
    char* at(const std::string& tensor, std::size_t byte = 0) {
        return data.data() + header[tensor]["data_offsets"][0].get<std::size_t>() + byte;
    }
};

} // namespace

TEST(Checkpoint, OpensTheTinyModelsAndGivesAllWeights) {
    for (const char* name : {"tiny", "tiny-fp8", "tiny-pro"}) {
        SCOPED_TRACE(name);
        Checkpoint checkpoint = Checkpoint::open(test::tinyCheckpoint(name));
        checkpoint.verifyContents();
        const ModelConfig& config = checkpoint.config();
        MemoryLedger ledger;
        const ModelWeights weights = checkpoint.weights(ledger);
        ASSERT_EQ(weights.layers.size(), config.layers);
        EXPECT_EQ(weights.embed.shape, (Shape{config.vocabSize, config.hiddenSize}));
        for (std::uint32_t i = 0; i < config.layers; ++i) {
            const LayerWeights& layer = weights.layers[i];
            EXPECT_EQ(layer.attn.compressor.has_value(), config.compressRatios[i] != 0);
            EXPECT_EQ(layer.attn.indexer.has_value(), config.compressRatios[i] == 4);
            EXPECT_EQ(layer.ffn.tid2eid.has_value(), config.hashRouted(i));
            EXPECT_EQ(layer.ffn.bias.has_value(), !config.hashRouted(i));
            ASSERT_EQ(layer.ffn.experts.size(), config.routedExperts);
            const ScaledMatrix& w2 = layer.ffn.experts.back().w2;
            EXPECT_EQ(w2.out, config.hiddenSize);
            EXPECT_EQ(w2.in, config.moeIntermediate);
            EXPECT_EQ(w2.fp4, checkpoint.expertFormat() == ExpertFormat::Fp4);
            EXPECT_FALSE(layer.ffn.shared.w1.fp4);
            EXPECT_EQ(layer.hcAttn.fn.f32().size(), config.mixRows() * config.streamWidth());
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(layer.attn.sink.data) % 4, 0U);
        }
        EXPECT_EQ(checkpoint.find("layers.0.attn.wq_a.weight")->data,
                  weights.layers[0].attn.wqA.weight.data);
        EXPECT_EQ(checkpoint.find("mtp.0.enorm.weight"), nullptr);
        ASSERT_FALSE(checkpoint.notes().empty());
        EXPECT_THAT(checkpoint.notes()[0], HasSubstr("mtp.* skipped"));
    }
}

TEST(Checkpoint, MisalignedTensorsAreCopiedOnce) {
    const fs::path folder = copyOf("tiny");
    Shard shard(folder, "norm.weight");
    // Move everything by one byte: a new one-byte tensor of the draft module comes first.
    for (auto& [name, entry] : shard.header.items()) {
        for (auto& offset : entry["data_offsets"]) {
            offset = offset.get<std::size_t>() + 1;
        }
    }
    shard.header["mtp.0.pad"] = {{"dtype", "U8"}, {"shape", {1}}, {"data_offsets", {0, 1}}};
    shard.data.insert(shard.data.begin(), '\0');
    shard.write();
    json index = indexOf(folder);
    index["weight_map"]["mtp.0.pad"] = shard.path.filename().string();
    writeText(folder / kIndex, jsonText(index));

    Checkpoint moved = Checkpoint::open(folder);
    Checkpoint original = Checkpoint::open(test::tinyCheckpoint("tiny"));
    MemoryLedger ledger, other;
    const TensorView a = moved.weights(ledger).norm, b = original.weights(other).norm;
    EXPECT_NE(reinterpret_cast<std::uintptr_t>(moved.find("norm.weight")->data) % 2,
              reinterpret_cast<std::uintptr_t>(original.find("norm.weight")->data) % 2);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data) % 2, 0U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data) % 2, 0U);
    EXPECT_TRUE(std::equal(a.bf16().begin(), a.bf16().end(), b.bf16().begin(), b.bf16().end()));
    EXPECT_GT(ledger.total(MemoryPlace::Ram) + other.total(MemoryPlace::Ram), 0U);
    EXPECT_GT(ledger.total(MemoryPlace::Mapped), 0U);
    EXPECT_EQ(moved.info().fingerprint, original.info().fingerprint)
        << "where tensors lie in their files does not change the model";
}

TEST(Checkpoint, MissingPartsAreNamed) {
    fs::path folder = copyOf("tiny");
    const std::string shard = indexOf(folder)["weight_map"]["layers.1.ffn.gate.weight"];
    fs::remove(folder / shard);
    Error error = openError(folder);
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_THAT(error.failed(), HasSubstr(shard));

    folder = copyOf("tiny");
    fs::remove(folder / kIndex);
    error = openError(folder);
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_THAT(error.failed(), HasSubstr(kIndex));

    folder = copyOf("tiny");
    fs::remove(folder / "config.json");
    EXPECT_EQ(openError(folder).code(), ErrorCode::NotFound);
    EXPECT_EQ(openError(folder / "nothing here").code(), ErrorCode::NotFound);

    folder = copyOf("tiny");
    Shard cut(folder, "layers.2.attn.wkv.weight");
    fs::resize_file(cut.path, fs::file_size(cut.path) - 1);
    error = openError(folder);
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_THAT(error.failed(), HasSubstr("truncated"));
    EXPECT_THAT(error.failed(), HasSubstr(cut.path.filename().string()));
}

TEST(Checkpoint, AShardOfTheDraftAloneMayBeMissing) {
    const fs::path folder = copyOf("tiny");
    json index = indexOf(folder);
    index["weight_map"]["mtp.1.norm.weight"] = "model-extra.safetensors";
    writeText(folder / kIndex, jsonText(index));
    const Checkpoint checkpoint = Checkpoint::open(folder);
    EXPECT_THAT(checkpoint.notes(), testing::Contains(HasSubstr("model-extra.safetensors")));
}

TEST(Checkpoint, WrongShapesTypesAndNamesAreNamed) {
    const auto change = [](const std::function<void(Shard&)>& edit, const std::string& tensor) {
        const fs::path folder = copyOf("tiny");
        Shard shard(folder, tensor);
        edit(shard);
        shard.write();
        return openError(folder);
    };
    const std::string gate = "layers.3.ffn.gate.weight";
    Error error = change([&](Shard& s) { s.header[gate]["shape"] = {128, 6}; }, gate);
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_THAT(error.failed(), HasSubstr(gate));
    EXPECT_THAT(error.failed(), HasSubstr("[6, 128]"));
    EXPECT_THAT(error.failed(), HasSubstr(".safetensors"));

    error = change([&](Shard& s) { s.header[gate]["dtype"] = "F16"; }, gate);
    EXPECT_THAT(error.failed(), HasSubstr("F16"));
    EXPECT_THAT(error.failed(), HasSubstr("BF16"));

    const auto rename = [&](const std::string& to) {
        const fs::path folder = copyOf("tiny");
        Shard shard(folder, gate);
        shard.header[to] = shard.header[gate];
        shard.header.erase(gate);
        shard.write();
        json index = indexOf(folder);
        index["weight_map"][to] = index["weight_map"][gate];
        index["weight_map"].erase(gate);
        writeText(folder / kIndex, jsonText(index));
        return openError(folder);
    };
    EXPECT_THAT(rename("layers.3.ffn.gate.other").failed(), HasSubstr(gate));
    // Lying index: the shard does not hold what the index says.
    error = change(
        [&](Shard& s) {
            s.header["layers.3.x"] = s.header[gate];
            s.header.erase(gate);
        },
        gate);
    EXPECT_THAT(error.failed(), HasSubstr("the index says so"));
}

TEST(Checkpoint, UnknownTensorsOfTheTrunkAreRefusedWithAHint) {
    const auto add = [](const std::string& name) {
        const fs::path folder = copyOf("tiny");
        Shard shard(folder, "norm.weight");
        const std::size_t end = shard.data.size();
        shard.header[name] = {{"dtype", "U8"}, {"shape", {4}}, {"data_offsets", {end, end + 4}}};
        shard.data += "abcd";
        shard.write();
        json index = indexOf(folder);
        index["weight_map"][name] = shard.path.filename().string();
        writeText(folder / kIndex, jsonText(index));
        return folder;
    };
    EXPECT_THAT(openError(add("layers.9.attn_norm.weight")).failed(),
                HasSubstr("layers.9.attn_norm.weight"));
    EXPECT_THAT(openError(add("vision.norm.weight")).remedy(), HasSubstr("vision"));
    EXPECT_THAT(openError(add("model.layers.0.x")).remedy(), HasSubstr("published"));
    EXPECT_THAT(openError(add("layers.0.attn.wq_a.weight_scale_inv")).remedy(),
                HasSubstr("published"));
    EXPECT_NO_THROW(Checkpoint::open(add("mtp.7.anything.at.all")));
}

TEST(Checkpoint, HostileIndexesAreRefused) {
    const auto withIndex = [](const std::string& text) {
        const fs::path folder = copyOf("tiny");
        writeText(folder / kIndex, text);
        return openError(folder);
    };
    const std::string name = "model-00001-of-00005.safetensors";
    for (const std::string& text :
         {std::string("{}"), std::string("[]"), std::string("{\"weight_map\":{}}"),
          std::string("{\"weight_map\":[1]}"), std::string("{\"weight_map\":{\"a\":1}}"),
          std::string("{\"weight_map\":{\"a\":[\"x\"]}}"), std::string("{\"weight_map\":"),
          std::string("{\"weight_map\":{\"a\":{}}}"), std::string(),
          "{\"weight_map\":{\"a\":\"" + name + "\",\"a\":\"" + name + "\"}}",
          "{\"weight_map\":{\"embed.weight\":\"../" + name + "\"}}",
          std::string("{\"weight_map\":{\"embed.weight\":\"/etc/passwd\"}}"),
          std::string("{\"weight_map\":{\"embed.weight\":\"..\"}}"),
          std::string("{\"weight_map\":{\"embed.weight\":\"\"}}"),
          "{\"metadata\":" + std::string(10'000, '[')}) {
        EXPECT_EQ(withIndex(text).code(), ErrorCode::Corrupt) << text.substr(0, 80);
    }
    // One tensor left out of the index, though its shard holds it.
    const fs::path folder = copyOf("tiny");
    json index = indexOf(folder);
    index["weight_map"].erase("layers.2.attn.wkv.weight");
    writeText(folder / kIndex, jsonText(index));
    EXPECT_THAT(openError(folder).failed(), HasSubstr("layers.2.attn.wkv.weight"));
}

TEST(Checkpoint, TheSameTensorInTwoFilesIsRefused) {
    const fs::path folder = copyOf("tiny");
    const std::string first = indexOf(folder)["weight_map"]["embed.weight"];
    fs::copy_file(folder / first, folder / "again.safetensors");
    json index = indexOf(folder);
    const json before = index["weight_map"];
    for (const auto& [tensor, file] : before.items()) {
        if (file == first) { // the index can name one file only; the headers disagree
            index["weight_map"][tensor] = "again.safetensors";
        }
    }
    index["weight_map"]["embed.weight"] = first;
    writeText(folder / kIndex, jsonText(index));
    EXPECT_EQ(openError(folder).code(), ErrorCode::Corrupt);
}

TEST(Checkpoint, ASingleFileNeedsNoIndex) {
    const fs::path folder = test::temporaryFolder("single");
    const std::string config = test::readText(*test::goldenPath("tiny/config.json"));
    writeSyntheticCheckpoint(config, folder, {.seed = 1, .shardBytes = 1U << 30});
    fs::rename(folder / "model-00001-of-00001.safetensors", folder / "model.safetensors");
    fs::remove(folder / kIndex);
    EXPECT_EQ(Checkpoint::open(folder).info().fingerprint,
              Checkpoint::open(test::tinyCheckpoint("tiny")).info().fingerprint);
}

TEST(Checkpoint, ExpertTypeIsSeenWhenTheConfigurationIsSilent) {
    for (const char* name : {"tiny", "tiny-fp8"}) {
        const fs::path folder = copyOf(name);
        json config = parseJson(test::readText(folder / "config.json"));
        const ExpertFormat expected = *test::tinyConfig(name).expertFormat;
        config.erase("expert_dtype");
        writeText(folder / "config.json", jsonText(config));
        EXPECT_EQ(Checkpoint::open(folder).expertFormat(), expected);
        config["expert_dtype"] = expected == ExpertFormat::Fp4 ? "fp8" : "fp4";
        writeText(folder / "config.json", jsonText(config));
        EXPECT_THAT(openError(folder).failed(), HasSubstr("ffn.experts.0.w1.weight"));
    }
}

TEST(Checkpoint, ContentsAreVerifiedTensorByTensor) {
    const auto damaged = [](const std::string& tensor, std::size_t byte, const std::string& bytes,
                            const std::string& says) {
        const fs::path folder = copyOf("tiny");
        Shard shard(folder, tensor);
        std::memcpy(shard.at(tensor, byte), bytes.data(), bytes.size());
        shard.write();
        const Error error = errorOf([&] { inspectModel(folder, Verify::Contents); });
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_THAT(error.failed(), HasSubstr("\"" + tensor + "\""));
        EXPECT_THAT(error.failed(), HasSubstr(says));
        EXPECT_NO_THROW(inspectModel(folder, Verify::Directory));
    };
    damaged("layers.1.ffn.experts.3.w2.scale", 5, "\xff", "element 5 ");
    damaged("layers.0.attn.wq_a.weight", 100, "\x7f", "element 100 ");
    damaged("layers.4.attn_norm.weight", 6, std::string("\x80\x7f", 2), "element 3 ");
    damaged("layers.2.attn.attn_sink", 4, std::string("\x00\x00\xc0\xff", 4), "element 1 ");
    damaged("layers.0.ffn.gate.tid2eid", 16, std::string("\x06\0\0\0\0\0\0\0", 8), "expert 6");
    damaged("layers.1.ffn.gate.tid2eid", 0, std::string(8, '\xff'), "expert -1");
}

TEST(ScaleChecks, FindADamagedScaleWhenItsWeightsAreFirstUsed) {
    const fs::path folder = copyOf("tiny");
    for (const char* tensor : {"layers.3.ffn.experts.2.w2.scale", "layers.0.attn.wo_b.scale"}) {
        Shard shard(folder, tensor);
        *shard.at(tensor, 0) = '\xff';
        shard.write();
    }
    Checkpoint checkpoint = Checkpoint::open(folder);
    MemoryLedger ledger;
    const ModelWeights weights = checkpoint.weights(ledger);
    ScaleChecks checks(weights, checkpoint.shards());
    EXPECT_THAT(errorOf([&] { checks.dense(); }).failed(), HasSubstr("layers.0.attn.wo_b.scale"));
    for (int use = 0; use < 2; ++use) {
        EXPECT_NO_THROW(checks.expert(3, 1));
        const Error error = errorOf([&] { checks.expert(3, 2); });
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_THAT(error.failed(), HasSubstr("layers.3.ffn.experts.2.w2.scale"));
        EXPECT_THAT(error.failed(), HasSubstr(".safetensors"));
    }

    Checkpoint good = Checkpoint::open(test::tinyCheckpoint("tiny-fp8"));
    MemoryLedger other;
    ScaleChecks clean(good.weights(other), {});
    EXPECT_NO_THROW(clean.dense());
    for (std::uint32_t layer = 0; layer < good.config().layers; ++layer) {
        for (std::uint32_t e = 0; e < good.config().routedExperts; ++e) {
            EXPECT_NO_THROW(clean.expert(layer, e));
        }
    }
}

TEST(Checkpoint, VerifyingReportsProgressAndStops) {
    const Checkpoint checkpoint = Checkpoint::open(test::tinyCheckpoint("tiny"));
    std::vector<Progress> seen;
    checkpoint.verifyContents([&](const Progress& progress) { seen.push_back(progress); });
    ASSERT_GE(seen.size(), 2U);
    EXPECT_EQ(seen.front().done, 0U);
    EXPECT_EQ(seen.back().done, seen.back().total);
    EXPECT_EQ(seen.back().total, checkpoint.info().tensorBytes);
    EXPECT_FALSE(seen.back().phase.empty());
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(errorOf([&] { checkpoint.verifyContents({}, stop.get_token()); }).code(),
              ErrorCode::Cancelled);
}

TEST(Checkpoint, AFileCutShortWhileOpenIsNoticed) {
    const fs::path folder = copyOf("tiny");
    const Checkpoint checkpoint = Checkpoint::open(folder);
    EXPECT_NO_THROW(checkpoint.checkIntact());
    const TensorView* last = checkpoint.find("layers.4.attn.wq_b.weight");
    fs::resize_file(checkpoint.shards()[last->shard], 4096);
    EXPECT_EQ(errorOf([&] { checkpoint.verifyContents(); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorOf([&] { checkpoint.checkIntact(); }).code(), ErrorCode::Corrupt);
}

TEST(Checkpoint, FingerprintFollowsWeightsConfigurationAndTokenizer) {
    const std::string base = Checkpoint::open(test::tinyCheckpoint("tiny")).info().fingerprint;
    EXPECT_EQ(base.size(), 64U);
    EXPECT_EQ(Checkpoint::open(copyOf("tiny")).info().fingerprint, base);

    fs::path folder = copyOf("tiny");
    writeText(folder / "tokenizer.json", "{}");
    EXPECT_NE(Checkpoint::open(folder).info().fingerprint, base);

    folder = copyOf("tiny");
    json config = parseJson(test::readText(folder / "config.json"));
    config["rms_norm_eps"] = 2e-6;
    writeText(folder / "config.json", jsonText(config));
    EXPECT_NE(Checkpoint::open(folder).info().fingerprint, base);

    folder = copyOf("tiny"); // a fine-tune: same shapes, other values
    Shard shard(folder, "layers.3.attn_norm.weight");
    *shard.at("layers.3.attn_norm.weight", 10) ^= 1;
    shard.write();
    EXPECT_NE(Checkpoint::open(folder).info().fingerprint, base);
}

TEST(Checkpoint, DirectReadsFindTheSameBytes) {
    const Checkpoint checkpoint = Checkpoint::open(test::tinyCheckpoint("tiny"));
    const TensorView* view = checkpoint.find("layers.2.ffn.experts.4.w3.weight");
    std::ifstream file(checkpoint.shards()[view->shard], std::ios::binary);
    file.seekg(static_cast<std::streamoff>(checkpoint.fileOffset(*view)));
    std::vector<char> bytes(view->bytes);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    EXPECT_EQ(std::memcmp(bytes.data(), view->data, bytes.size()), 0);
}

TEST(FullSize, PublishedModelsOpenFromTheirDirectories) {
    struct Case {
        const char* name;
        bool draft;
        const char* title;
        const char* release;
        double parameters;
        std::uint64_t bytes;
    };
    for (const Case& c :
         {Case{"flash-0731", true, "DeepSeek-V4-Flash-0731", "0731", 284.33e9, 156'015'698'140},
          Case{"pro", false, "DeepSeek-V4-Pro", "april", 1.57e12, 0}}) {
        SCOPED_TRACE(c.name);
        const fs::path folder = test::temporaryFolder("full-size");
        try {
            test::writeSparseCheckpoint(test::publishedConfigText(c.name), folder, c.draft);
        } catch (const fs::filesystem_error&) {
            GTEST_SKIP() << "the temporary folder cannot hold files with holes of that size";
        }
        const auto start = std::chrono::steady_clock::now();
        Checkpoint checkpoint = Checkpoint::open(folder);
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        RecordProperty(std::string("open_ms_") + c.name, std::to_string(seconds * 1000));
        EXPECT_LT(seconds, 20);
        MemoryLedger ledger;
        const ModelWeights weights = checkpoint.weights(ledger);
        EXPECT_EQ(weights.layers.size(), checkpoint.config().layers);
        const ModelInfo info = checkpoint.info();
        EXPECT_EQ(info.name, c.title);
        EXPECT_EQ(info.release, c.release);
        EXPECT_NEAR(static_cast<double>(info.parameters) / c.parameters, 1, 0.01);
        if (c.bytes != 0) {
            EXPECT_EQ(info.tensorBytes, c.bytes);
        }
        fs::remove_all(folder);
    }
}

TEST(FullSize, ShardsHaveThePublishedFileSizes) {
    // The file sizes of V4-Flash (April) follow from names, types and shapes alone; so each of them
    // confirms the list of tensors of a kind of layer.
    const fs::path folder = test::temporaryFolder("sizes");
    try {
        test::writeSparseCheckpoint(test::publishedConfigText("flash"), folder);
    } catch (const fs::filesystem_error&) {
        GTEST_SKIP() << "the temporary folder cannot hold files with holes of that size";
    }
    const auto sizeOf = [&](int shard) {
        std::string number = std::to_string(shard);
        number.insert(0, 5 - number.size(), '0');
        return fs::file_size(folder / ("model-" + number + "-of-00045.safetensors"));
    };
    EXPECT_EQ(sizeOf(1), 1'059'061'856U); // embedding
    EXPECT_EQ(sizeOf(2), 3'566'321'192U); // window only, hash-routed
    EXPECT_EQ(sizeOf(3), 3'566'321'192U);
    EXPECT_EQ(sizeOf(4), 3'596'229'272U); // ratio 4, hash-routed
    for (int shard = 5; shard <= 44; ++shard) {
        const bool longName = shard - 2 > 9; // "layers.10." is one letter longer
        const std::uint64_t dense = longName ? 3'568'770'544U : 3'568'768'976U;
        const std::uint64_t sparse = longName ? 3'590'026'352U : 3'590'024'776U;
        EXPECT_EQ(sizeOf(shard), shard % 2 == 1 ? dense : sparse) << shard;
    }
    EXPECT_EQ(sizeOf(45), 1'059'332'516U); // head
    fs::remove_all(folder);
}

TEST(EmbeddedModel, OpensVerifiesAndDescribesItself) {
    const fs::path folder = fs::path(DOSSIER_SOURCE_DIR) / "resources" / "model";
    if (!fs::exists(folder / "config.json")) {
        GTEST_SKIP() << "resources/model is not checked out";
    }
    const ModelInfo info = inspectModel(folder, Verify::Contents);
    EXPECT_EQ(info.name, "Dossier embedded 2");
    EXPECT_EQ(info.release, "embedded");
    EXPECT_EQ(info.expertFormat, "fp4");
    EXPECT_NEAR(static_cast<double>(info.parameters) / 1e6, 72.4, 0.1);
    EXPECT_EQ(info.vocabulary, 8192U);
    EXPECT_EQ(info.maxContext, 65536U);
    EXPECT_EQ(info.shards, 5U);
    EXPECT_TRUE(info.notes.empty());
    EXPECT_EQ(info.levels.front(), "none");
}

} // namespace dossier::engine
