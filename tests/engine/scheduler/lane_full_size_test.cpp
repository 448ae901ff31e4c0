// SPDX-License-Identifier: Apache-2.0
// Two layers of V4-Flash's own width (one of ratio 4, one of ratio 128) at 32,768 tokens, on a GPU
// at 131,072: straight, stopped in the middle and gone on with in another engine, restored, forked:
// the same bits. Fewer experts and ids than V4-Flash, so that the checkpoint stays below a
// gigabyte.
#include <atomic>

#include "tests/engine/scheduler/lane_fixture.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

constexpr const char* kConfig =
    R"({"architectures": ["DeepseekV4ForCausalLM"], "model_type": "deepseek_v4",
 "bos_token_id": 0, "eos_token_id": 1, "vocab_size": 1024, "hidden_size": 4096,
 "num_hidden_layers": 2, "num_hash_layers": 0, "num_nextn_predict_layers": 1,
 "num_attention_heads": 64, "num_key_value_heads": 1, "head_dim": 512, "qk_rope_head_dim": 64,
 "q_lora_rank": 1024, "o_lora_rank": 1024, "o_groups": 8, "sliding_window": 128,
 "compress_ratios": [4, 128, 0], "index_n_heads": 64, "index_head_dim": 128, "index_topk": 512,
 "moe_intermediate_size": 2048, "n_routed_experts": 12, "n_shared_experts": 1,
 "num_experts_per_tok": 6, "scoring_func": "sqrtsoftplus", "topk_method": "noaux_tc",
 "norm_topk_prob": true, "routed_scaling_factor": 1.5, "swiglu_limit": 10.0, "hidden_act": "silu",
 "hc_mult": 4, "hc_sinkhorn_iters": 20, "hc_eps": 1e-06, "rms_norm_eps": 1e-06,
 "rope_theta": 10000, "compress_rope_theta": 160000, "rope_scaling": {"type": "yarn",
 "factor": 16, "beta_fast": 32, "beta_slow": 1, "original_max_position_embeddings": 65536},
 "max_position_embeddings": 1048576, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
 "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "scale_fmt": "ue8m0",
 "activation_scheme": "dynamic", "weight_block_size": [128, 128]}, "expert_dtype": "fp4"})";

TEST(LaneFullSize, StraightStoppedRestoredAndForkedAreEqual) {
    const auto folder = test::temporaryFolder("full-size");
    SyntheticCheckpointOptions shards;
    shards.shardBytes = 400'000'000;
    writeSyntheticCheckpoint(kConfig, folder / "model", shards);
    const auto load = [&] {
        auto engine = makeInProcessEngine();
        LoadOptions options;
        options.model = folder / "model";
        options.contextTokens = 139'264;
        engine->load(options);
        return engine;
    };
    std::uint64_t count = 0, superChunk = 0;
    std::vector<Token> tokens;
    std::vector<Saying> atEnd, earlier;
    {
        const auto engine = load();
        const bool gpu = engine->device().device == Device::Cuda;
        count = gpu ? 131'072 : 32'768;
        superChunk = gpu ? 32'768 : 2'048;
        tokens = someTokens(count, 1024);
        const LaneId lane = engine->openLane().id;
        ASSERT_EQ(engine->append(lane, tokens).tokens, count);
        atEnd = ask(*engine, lane);
        earlier = ask(*engine, lane, count * 3 / 5 + 1);
    }
    const auto file = folder / "a.lane";
    std::uint64_t have = 0;
    {
        const auto engine = load();
        const LaneId lane = engine->openLane(laneAt(file)).id;
        std::stop_source source;
        have = engine
                   ->append(
                       lane, tokens,
                       [&](const Progress& progress) {
                           if (progress.done > count * 2 / 5) {
                               source.request_stop();
                           }
                       },
                       source.get_token())
                   .tokens;
        ASSERT_LT(have, count * 2 / 5 + 2 * superChunk);
        ASSERT_GE(have, count * 2 / 5 - superChunk); // at most the super-chunk in flight is lost
    }
    {
        const auto engine = load();
        const LaneInfo begun = engine->openLane(laneAt(file));
        ASSERT_EQ(begun.tokens, have);
        ASSERT_EQ(engine->append(begun.id, std::span(tokens).subspan(have)).saved, count);
        EXPECT_EQ(ask(*engine, begun.id), atEnd);
    }
    const auto engine = load();
    const LaneInfo restored = engine->openLane(laneAt(file));
    ASSERT_EQ(restored.tokens, count);
    EXPECT_EQ(restored.restored->check, "equal");
    EXPECT_EQ(ask(*engine, restored.id), atEnd);
    EXPECT_EQ(ask(*engine, restored.id, count * 3 / 5 + 1), earlier);
}

} // namespace
} // namespace dossier::engine
