#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepSeek-V4 of Hugging Face transformers as a peer: the first layers of V4-Flash in bf16 (it has no
FP4 or FP8 kernels for them here), random weights, on one GPU; one line of JSON.

usage: peer_transformers.py [--layers 6] [--context 4096] [--tokens 20]

Decoding: one token behind `context` tokens, median. Reading: `context` tokens at once, median of 3.
Eager PyTorch, with each way that the library has of running experts.
"""
import argparse
import json
import statistics
import time

import torch
import transformers
from transformers.models.deepseek_v4.configuration_deepseek_v4 import DeepseekV4Config
from transformers.models.deepseek_v4.modeling_deepseek_v4 import DeepseekV4ForCausalLM


def timed(work):
    torch.cuda.synchronize()
    begin = time.perf_counter()
    result = work()
    torch.cuda.synchronize()
    return time.perf_counter() - begin, result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--experts", type=int, default=256)
    parser.add_argument("--hidden", type=int, default=4096)
    a = parser.parse_args()
    ratios = [0, 0] + [4 if i % 2 == 0 else 128 for i in range(41)]
    config = DeepseekV4Config(num_hidden_layers=a.layers, compress_ratios=ratios[: a.layers], num_hash_layers=3,
                              n_routed_experts=a.experts, hidden_size=a.hidden)
    ways = ["grouped_mm", "batched_mm", "eager"]
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = DeepseekV4ForCausalLM(config).eval()
    generator = torch.Generator("cuda").manual_seed(1)
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.dim() > 1:
                tensor.normal_(0, 0.02, generator=generator)
        for name, tensor in model.named_buffers():
            if name.endswith("tid2eid"):
                tensor.copy_(torch.randint(0, a.experts, tensor.shape, generator=generator, device="cuda"))
        ids = torch.randint(0, config.vocab_size, (1, a.context), generator=generator, device="cuda")
        result = {"peer": "transformers " + transformers.__version__, "torch": torch.__version__,
                  "gpu": torch.cuda.get_device_name(), "layers": a.layers, "context": a.context}
        for way in ways:
            try:
                model.set_experts_implementation(way)
                run = lambda **k: model(use_cache=True, logits_to_keep=1, **k)
                timed(lambda: run(input_ids=ids))
                reads = [timed(lambda: run(input_ids=ids)) for _ in range(3)]
                state = reads[-1][1]
                token, times = state.logits[:, -1:].argmax(-1), []
                for _ in range(a.tokens + 3):
                    seconds, state = timed(lambda: run(input_ids=token, past_key_values=state.past_key_values))
                    token = state.logits[:, -1:].argmax(-1)
                    times.append(seconds)
                result[way] = {"decode_ms": round(1e3 * statistics.median(times[3:]), 2),
                               "reading_tokens_per_s": round(a.context / statistics.median(r[0] for r in reads))}
            except Exception as error:  # one way that the library lacks here does not end the others
                result[way] = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    result["peak_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
