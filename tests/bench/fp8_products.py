#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What FP8 products with block scales (cuBLASLt on Hopper, through PyTorch) would gain over bf16 products of
the same values, and what they cost: how many outputs are not the bf16 number nearest to the exact sum. A peer of
our own kernel (engine/kernels/cuda/fp8_gemm_kernels.cu; `dossier-engine bench --part products`).

usage: fp8_products.py      (one line of JSON a shape; needs a GPU of compute capability 9.0)

Values as reading has them: e4m3 activations with a power-of-two scale for 128 inputs, e4m3 weights with one for
128 x 128. In bf16 both are exact.
"""
import json
import statistics

import torch
from torch.nn.functional import ScalingType, SwizzleType, scaled_mm

SHAPES = [(8192, 8192, 8192), (4096, 1024, 4096), (4096, 32768, 1024), (4096, 4096, 8192), (768, 4096, 4096),
          (768, 4096, 2048)]


def seconds(work):
    for _ in range(3):
        work()
    times = []
    for _ in range(9):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(times)


def powers(shape, generator):
    return torch.pow(2.0, torch.randint(-8, -4, shape, generator=generator, device="cuda").float())


def main():
    generator = torch.Generator("cuda").manual_seed(1)
    for rows, out, inner in SHAPES:
        x8 = torch.randn(rows, inner, generator=generator, device="cuda").mul(60).clamp(-448, 448).to(torch.float8_e4m3fn)
        w8 = torch.randn(out, inner, generator=generator, device="cuda").mul(60).clamp(-448, 448).to(torch.float8_e4m3fn)
        xs, ws = powers((rows, inner // 128), generator), powers((out // 128, inner // 128), generator)
        x = (x8.float().view(rows, -1, 128) * xs[:, :, None]).view(rows, inner)
        w = (w8.float().view(out // 128, 128, -1, 128) * ws[:, None, :, None]).view(out, inner)
        xb, wb = x.bfloat16(), w.bfloat16()
        sample = torch.arange(0, rows, max(1, rows // 64), device="cuda")[:64]
        exact = x[sample].double() @ w.double().t()
        nearest = exact.bfloat16()
        line = {"rows": rows, "out": out, "in": inner}

        def measure(name, work):
            y = work()
            off = (y[sample] != nearest).double().mean().item()
            error = ((y[sample].double() - exact).norm() / exact.norm()).item()
            line[name] = {"tflops": round(2 * rows * out * inner / seconds(work) / 1e12),
                          "not_nearest_percent": round(100 * off, 3), "relative_error": float(f"{error:.3g}")}

        measure("bf16", lambda: xb @ wb.t())
        tried = []
        for a in (xs.t().contiguous().t(), xs):
            for b in (ws.t(), ws, ws.t().contiguous(), ws.contiguous().t().contiguous().t()):
                if "fp8" in line:
                    break
                try:
                    work = lambda: scaled_mm(x8, w8.t(), a, ScalingType.BlockWise1x128, b, ScalingType.BlockWise128x128,
                                             SwizzleType.NO_SWIZZLE, SwizzleType.NO_SWIZZLE, output_dtype=torch.bfloat16)
                    y = work()
                    if ((y[sample].double() - exact).norm() / exact.norm()).item() < 0.05:
                        measure("fp8", work)
                    else:
                        tried.append("another meaning of the scales")
                except Exception as refused:
                    tried.append(str(refused).splitlines()[0][:160])
        if "fp8" not in line:
            line["fp8"] = tried
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
