# SPDX-License-Identifier: Apache-2.0
# Sources of the CUDA operations: built by nvcc for GPUs, and as C++ for the emulator in tests.
set(DOSSIER_CUDA_SOURCES
    batch_buffer.cpp cuda_error.cpp cuda_experts.cpp cuda_layers.cpp cuda_memory.cpp cuda_operations.cpp
    device_probe.cpp launch_observer.cpp nvml.cpp
    ../../experts/cpu_tier.cpp ../../experts/direct_experts.cpp ../../experts/direct_read.cpp ../../experts/disk_reader.cpp ../../experts/expert_fetch.cpp ../../experts/expert_file.cpp
    ../../experts/expert_source.cpp ../../experts/expert_store.cpp
    ../../experts/layer_stream.cpp ../../experts/mail_service.cpp
    ../../experts/pinned_pool.cpp)
list(TRANSFORM DOSSIER_CUDA_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)

# The kernels, in groups that may be compiled as one source each: most of what a compiler does for
# one of them it does for headers. No two of a group use the same name in their unnamed namespaces.
set(kernel_groups
    "attend_kernels.cu|compress_kernels.cu|dequantise_kernels.cu|finish_kernels.cu"
    "gemv_kernels.cu|row_kernels.cu|route_kernels.cu"
    "expert_answer_kernels.cu|expert_read_kernels.cu"
    "index_kernels.cu|fp8_gemm_kernels.cu"
    "stream_kernels.cu|gemm_kernels.cu|../../experts/fetch_kernels.cu")
set(DOSSIER_CUDA_KERNELS)
foreach(group IN LISTS kernel_groups)
  string(REPLACE "|" ";" files "${group}")
  list(TRANSFORM files PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
  if(CMAKE_UNITY_BUILD) # CMake 3.25 does it for C++ alone
    list(LENGTH DOSSIER_CUDA_KERNELS number)
    set(together ${CMAKE_CURRENT_BINARY_DIR}/kernels_${number}.cu)
    list(TRANSFORM files REPLACE "(.+)" "#include \"\\1\"\n" OUTPUT_VARIABLE includes)
    list(JOIN includes "" includes)
    file(CONFIGURE OUTPUT ${together} CONTENT "${includes}" @ONLY)
    set(files ${together})
  endif()
  list(APPEND DOSSIER_CUDA_KERNELS ${files})
endforeach()
