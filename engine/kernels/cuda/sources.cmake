# SPDX-License-Identifier: Apache-2.0
# Sources of the CUDA operations: built by nvcc for GPUs, and as C++ for the emulator in tests.
set(DOSSIER_CUDA_SOURCES
    attend_kernels.cu batch_buffer.cpp compress_kernels.cu cuda_error.cpp cuda_experts.cpp
    cuda_layers.cpp cuda_memory.cpp cuda_operations.cpp dequantise_kernels.cu device_probe.cpp finish_kernels.cu
    expert_answer_kernels.cu expert_read_kernels.cu fp8_gemm_kernels.cu gemm_kernels.cu gemv_kernels.cu
    index_kernels.cu launch_observer.cpp nvml.cpp route_kernels.cu row_kernels.cu stream_kernels.cu
    ../../experts/cpu_tier.cpp ../../experts/direct_experts.cpp ../../experts/direct_read.cpp ../../experts/disk_reader.cpp ../../experts/expert_fetch.cpp ../../experts/expert_file.cpp
    ../../experts/expert_source.cpp ../../experts/expert_store.cpp
    ../../experts/fetch_kernels.cu ../../experts/layer_stream.cpp ../../experts/mail_service.cpp
    ../../experts/pinned_pool.cpp)
