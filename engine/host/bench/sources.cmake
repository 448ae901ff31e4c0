# SPDX-License-Identifier: Apache-2.0
# Sources of the benchmark: built by nvcc for GPUs, and as C++ for a test on the emulated one.
set(DOSSIER_BENCH_SOURCES
    bench_budget.cpp bench_command.cpp bench_cpu_experts.cpp bench_cut.cpp bench_decode.cpp bench_fill.cu bench_machine.cpp
    bench_model.cpp bench_products.cpp bench_rates.cu bench_reading.cpp bench_report.cpp host_rates.cpp
    routing_driver.cpp)
