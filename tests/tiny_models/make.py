#!/usr/bin/env python3
"""Makes the tiny random models that the tests compare the network, the tokenizers and the adapters with.

    python3 -m venv venv
    venv/bin/pip install torch==2.15.* transformers==5.24.* peft==0.21.* sentencepiece safetensors
    venv/bin/python tests/tiny_models/make.py --converter LLAMA_CPP/convert_hf_to_gguf.py

Each family gets a folder beside this script: `config.json`, `model.safetensors`, `tokenizer.json`,
`tokenizer_config.json`, a chat template, `model.gguf` in f32 (made by llama.cpp's own converter, which
is not part of this project; without `--converter` the GGUF files stay as they are), `adapter/` (a LoRA
adapter as PEFT saves it), `gradients.safetensors` and `reference.json`: what PyTorch computes from
these files in f32 with eager attention. README.md says what each key holds.

Seeded: the same versions give the same files. `--only NAME` makes one of them.
"""

import argparse
import json
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.models.gemma3 import modeling_gemma3

HERE = Path(__file__).parent
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Lengths of the two sequences: both reach well beyond the sliding window of 8.
LENGTHS = [22, 12]

CORPUS = """\
The lighthouse keeper writes down the weather every morning: wind from the north, clouds over the
harbour, a little rain before noon. In the evening she reads what she wrote and counts the ships that
passed. There were 12 ships on Monday, 7 on Tuesday and 130 in the whole month of March 2021.
A small model is like a small boat. It will not carry the whole sea, but it will carry you across the
bay if you know the wind and keep the sails dry. When the model answers badly, we do not throw it
away; we show it what a better answer would have been, and we measure again tomorrow.
What is measured can be compared, and what is compared can be improved. The keeper knows this, the
boat builder knows this, and the baker, who weighs her flour each day, knows this best of all.
"Don't hurry," she'd say, "they'll wait; I've seen it, we're early, it's fine and I'm sure."
Le café est fermé. Die Straße ist naß. El niño pidió más té. Быстрая лодка плывёт домой.
def measure(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)
if (x >= 3 && y != 4) { print("done: %d\\n", x * y); }
The end of the day is the end of the page; the next page begins with the next day, and the next day
begins with the wind. Whoever reads this again will find the same words in the same order, as the
stars over the harbour stay the same while the ships below them come and go.
"""

# What every tokenizer is asked to cut; SPECIAL is replaced by the family's end of turn.
TEXTS = [
    "The wind is calm this morning.",
    " leading space, trailing space ",
    "two  spaces,   three,    four",
    "12 ships, 1234567 waves, 3.14159 and 2021-03-05",
    "line one\nline two\n\nline four\r\n\tindented",
    "café naïve Straße ÅNGSTRÖM",
    "e\u0301 composed or not: é",
    "Привет, мир! 你好,世界。 こんにちは",
    "emoji 🙂 👩‍👩‍👧 🚢🚢",
    "I'VE they'll don't WE'RE it's",
    "    if x >= 3:\n        return \"<b>no</b>\"\n",
    "before SPECIAL after SPECIAL",
    "",
]

LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

LLAMA_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""
CHAT_ML_TEMPLATE = """\
{%- if messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nYou are a small model.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
MISTRAL_TEMPLATE = """\
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set turns = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in turns %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate: user, assistant, user, ...') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- if loop.last and system is defined %}
            {{- '[INST] ' + system + '\\n\\n' + message['content'] + '[/INST]' }}
        {%- else %}
            {{- '[INST] ' + message['content'] + '[/INST]' }}
        {%- endif %}
    {%- else %}
        {{- ' ' + message['content'] + eos_token }}
    {%- endif %}
{%- endfor %}
"""
GEMMA_TEMPLATE = """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first = messages[0]['content'] + '\\n\\n' -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set first = '' -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for message in turns -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + (first if loop.first else '') + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\\n' }}
{%- endif -%}
"""


def byte_level(expression, specials, bos=None, composed=False, ignore_merges=False, size=304):
    """Byte-level BPE as Llama 3 and Qwen publish it; the special tokens have the last ids."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    split = pre_tokenizers.Split(Regex(expression), "isolated", invert=False)
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = BpeTrainer(vocab_size=size - len(specials), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS.splitlines(keepends=True), trainer)
    if ignore_merges:
        # A word that no merges make: only a tokenizer that looks words up before merging finds it.
        made = json.loads(tokenizer.to_str())
        last = max(made["model"]["vocab"], key=made["model"]["vocab"].get)
        made["model"]["vocab"]["Ġmorning"] = made["model"]["vocab"].pop(last)
        made["model"]["merges"] = [pair for pair in made["model"]["merges"] if "".join(pair) != last]
        tokenizer = Tokenizer.from_str(json.dumps(made))
    if composed:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in specials])
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    return tokenizer, None


def merges_of(pieces):
    """Every way to make a piece from two others, the best piece first, as transformers' converters do."""
    ids = {piece: id for id, (piece, _) in enumerate(pieces)}
    merges = []
    for piece, score in pieces:
        cuts = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        cuts = [cut for cut in cuts if cut[0] in ids and cut[1] in ids]
        merges += [(left, right, score) for left, right in sorted(cuts, key=lambda cut: (ids[cut[0]], ids[cut[1]]))]
    merges.sort(key=lambda merge: (merge[2], len(merge[0]), len(merge[1])), reverse=True)
    return [(left, right) for left, right, _ in merges]


def sentence_piece(folder, gemma):
    """SentencePiece's own BPE (`tokenizer.model`, for the converter), and the `tokenizer.json` of the same
    pieces as Mistral and Gemma publish it."""
    if gemma:
        own = ["<mask>", "<unused0>", "<start_of_turn>", "<end_of_turn>", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁", "<b>"]
        ids = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "pad_piece": "<pad>", "eos_piece": "<eos>", "bos_piece": "<bos>"}
        symbols = {"user_defined_symbols": own, "add_dummy_prefix": False}
    else:
        own = ["[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"]
        ids = {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
        symbols = {"control_symbols": own, "add_dummy_prefix": True}
    SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.splitlines()), model_prefix=str(folder / "tokenizer"), model_type="bpe",
        vocab_size=376 if gemma else 368, character_coverage=0.98, byte_fallback=True, split_digits=True,
        allow_whitespace_only_pieces=True, remove_extra_whitespaces=False, normalization_rule_name="identity",
        hard_vocab_limit=False, num_threads=1, minloglevel=2, **ids, **symbols,
    )
    trained = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    pieces = [(trained.id_to_piece(id), trained.get_score(id)) for id in range(trained.vocab_size())]
    tokenizer = Tokenizer(models.BPE(
        vocab={piece: id for id, (piece, _) in enumerate(pieces)}, merges=merges_of(pieces),
        unk_token="<unk>", fuse_unk=True, byte_fallback=True,
    ))
    fallback = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if gemma:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        tokenizer.decoder = decoders.Sequence(fallback)
        bos, specials = "<bos>", ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([*fallback, decoders.Strip(" ", 1, 0)])
        bos, specials = "<s>", ["<unk>", "<s>", "</s>", *own]
    tokenizer.add_tokens([
        AddedToken(text, special=text in specials, normalized=False)
        for text, _ in pieces if text in specials or text in own
    ])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))]
    )
    return tokenizer, folder / "tokenizer.model"


SHARED = {
    "attention_dropout": 0.0, "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4,
    "num_hidden_layers": 2, "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.02,
    "use_cache": True,
}
# Half of the configurations are written as transformers 4 wrote them (`rope_theta`, `rope_scaling`,
# `torch_dtype`), as nearly all published models are, half as transformers 5 does (`rope_parameters`, `dtype`).
FAMILIES = {
    "llama": {
        "tokenizer": lambda _: byte_level(
            LLAMA_3,
            ["<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>", "<|start_header_id|>",
             "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"],
            bos="<|begin_of_text|>", ignore_merges=True,
        ),
        "pre": "llama-bpe", "bos": "<|begin_of_text|>", "eos": "<|eot_id|>", "turn": "<|eot_id|>",
        "ends": ["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"], "pad": "<|finetune_right_pad_id|>",
        "template": LLAMA_TEMPLATE, "template_in": "tokenizer_config.json", "store": "f32",
        "config": {
            **SHARED, "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False,
            "mlp_bias": False, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                             "original_max_position_embeddings": 128, "rope_type": "llama3"},
            "tie_word_embeddings": False, "torch_dtype": "float32",
        },
    },
    "qwen2": {
        "tokenizer": lambda _: byte_level(QWEN_2, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], composed=True),
        "pre": "qwen2", "bos": None, "eos": "<|im_end|>", "turn": "<|im_end|>", "pad": "<|endoftext|>",
        "template": CHAT_ML_TEMPLATE, "template_in": "tokenizer_config.json", "store": "f32",
        "config": {
            **SHARED, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu",
            "max_window_layers": 2, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "sliding_window": 8,
            "use_sliding_window": False, "tie_word_embeddings": True, "torch_dtype": "float32",
        },
    },
    "qwen3": {
        "tokenizer": lambda _: byte_level(QWEN_2, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], composed=True),
        "pre": "qwen2", "bos": None, "eos": "<|im_end|>", "turn": "<|im_end|>", "pad": "<|endoftext|>",
        "template": CHAT_ML_TEMPLATE, "template_in": "chat_template.jinja", "store": "shards",
        "config": {
            **SHARED, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "attention_bias": False,
            "head_dim": 16, "hidden_act": "silu", "max_window_layers": 2, "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}, "sliding_window": None,
            "use_sliding_window": False, "tie_word_embeddings": True, "dtype": "float32",
        },
    },
    "mistral": {
        "tokenizer": lambda folder: sentence_piece(folder, gemma=False),
        "bos": "<s>", "eos": "</s>", "turn": "</s>", "pad": None,
        "template": MISTRAL_TEMPLATE, "template_in": "tokenizer_config.json", "store": "bf16",
        "config": {
            **SHARED, "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu",
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": 8, "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
        },
    },
    "gemma3": {
        "tokenizer": lambda folder: sentence_piece(folder, gemma=True),
        "bos": "<bos>", "eos": "<eos>", "turn": "<end_of_turn>", "ends": ["<eos>", "<end_of_turn>"], "pad": "<pad>",
        "template": GEMMA_TEMPLATE, "template_in": "chat_template.jinja", "store": "f32",
        "config": {
            **SHARED, "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "attention_bias": False,
            "attn_logit_softcapping": None, "cache_implementation": "hybrid", "final_logit_softcapping": None,
            "head_dim": 16, "hidden_activation": "gelu_pytorch_tanh", "intermediate_size": 24, "num_hidden_layers": 7,
            "query_pre_attn_scalar": 10, "rms_norm_eps": 1e-6, "rope_local_base_freq": 10000.0,
            "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "rope_theta": 1000000.0, "sliding_window": 8,
            "sliding_window_pattern": 6, "torch_dtype": "float32",
        },
    },
    "gemma3_soft_caps": {
        "tokenizer": lambda folder: sentence_piece(folder, gemma=True),
        "bos": "<bos>", "eos": "<eos>", "turn": "<end_of_turn>", "ends": ["<eos>", "<end_of_turn>"], "pad": "<pad>",
        "template": GEMMA_TEMPLATE, "template_in": "tokenizer_config.json", "store": "f32",
        "config": {
            **SHARED, "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "attention_bias": False,
            "attn_logit_softcapping": 3.0, "final_logit_softcapping": 4.0, "head_dim": 16,
            "hidden_activation": "gelu_pytorch_tanh", "intermediate_size": 24, "layer_types": ["sliding_attention", "full_attention"],
            "query_pre_attn_scalar": 16, "rms_norm_eps": 1e-6,
            "rope_parameters": {"full_attention": {"rope_theta": 1000000.0, "rope_type": "default"},
                                "sliding_attention": {"rope_theta": 2000.0, "rope_type": "default"}},
            "sliding_window": 8, "dtype": "float32",
        },
    },
}


def write_json(path, value, indent=2):
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tokenizer(folder, family, tokenizer):
    # Compact: hundreds of pieces, one a line, would be most of the file.
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    config = {
        "add_bos_token": family["bos"] is not None, "add_eos_token": False,
        "added_tokens_decoder": {
            str(token["id"]): {key: token[key] for key in ["content", "lstrip", "normalized", "rstrip", "single_word", "special"]}
            for token in json.loads(tokenizer.to_str())["added_tokens"]
        },
        "bos_token": family["bos"], "clean_up_tokenization_spaces": False, "eos_token": family["eos"],
        "model_max_length": 256, "pad_token": family["pad"], "tokenizer_class": "PreTrainedTokenizerFast",
    }
    if family["template_in"] == "tokenizer_config.json":
        config["chat_template"] = family["template"]
    else:
        (folder / family["template_in"]).write_text(family["template"], encoding="utf-8")
    if tokenizer.token_to_id("<unk>") is not None:
        config["unk_token"] = "<unk>"
    write_json(folder / "tokenizer_config.json", config)


def write_weights(folder, family, config):
    """Random weights, large enough that logits vary; a norm's lie around what makes it do nothing."""
    model = AutoModelForCausalLM.from_config(config)
    tensors = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("inv_freq")}
    if config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    generator = torch.Generator().manual_seed(20240229)
    for name in sorted(tensors):
        noise = torch.randn(tensors[name].shape, generator=generator)
        if name.endswith("norm.weight"):
            tensors[name] = 0.2 * noise + (0.0 if config.model_type == "gemma3_text" else 1.0)
        else:
            tensors[name] = noise * (0.3 if name.endswith("bias") else 0.25)
    if family["store"] == "bf16":
        tensors = {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}
    if family["store"] != "shards":
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    shards = [names[: len(names) // 2], names[len(names) // 2 :]]
    index = {"metadata": {"total_size": sum(tensor.nbytes for tensor in tensors.values())}, "weight_map": {}}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file({name: tensors[name] for name in shard}, folder / file, metadata={"format": "pt"})
        index["weight_map"].update({name: file for name in shard})
    write_json(folder / "model.safetensors.index.json", index)


def load(folder, **changes):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **changes).eval()


def numbers(tensor):
    return [float(f"{value:.6g}") for value in tensor.tolist()]


def logits_of(model, tokens):
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0] for ids in tokens]


def write_adapter(folder, name):
    model = load(folder)
    model.name_or_path = model.config._name_or_path = f"tiny_models/{name}"
    peft = get_peft_model(model, LoraConfig(
        r=4, lora_alpha=8, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM", target_modules=PROJECTIONS,
    ))
    generator = torch.Generator().manual_seed(20240301)
    with torch.no_grad():
        for key, parameter in sorted(peft.named_parameters()):
            if "lora_" in key:
                std = 0.3 if "lora_A" in key else 0.1
                parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
    peft.save_pretrained(folder / "adapter")
    (folder / "adapter/README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter/adapter_config.json").read_text())
    config["target_modules"].sort()
    write_json(folder / "adapter/adapter_config.json", config)


def write_reference(folder, name, family):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    generator = torch.Generator().manual_seed(20240302)
    model = load(folder)
    size = model.config.vocab_size
    tokens = [torch.randint(size, (length,), generator=generator).tolist() for length in LENGTHS]
    base = logits_of(model, tokens)

    adapted = PeftModel.from_pretrained(load(folder), folder / "adapter", is_trainable=True).eval()
    total, targets = 0.0, 0
    for ids in tokens:
        logits = adapted(torch.tensor([ids])).logits[0, :-1]
        total = total + torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum")
        targets += len(ids) - 1
    loss = total / targets
    loss.backward()
    gradients = {
        key.replace(".default.", "."): parameter.grad
        for key, parameter in adapted.named_parameters() if "lora_" in key
    }
    assert set(gradients) == set(load_file(folder / "adapter/adapter_model.safetensors"))
    save_file(gradients, folder / "gradients.safetensors", metadata={"format": "pt"})

    reference = {
        "tokens": tokens,
        "loss": float(f"{loss.item():.8g}"),
        "logits_adapter": [numbers(logits[-1]) for logits in logits_of(adapted, tokens)],
    }
    if model.config.model_type == "mistral":
        # Converters of `llama` files leave the sliding window out.
        full = load(folder, sliding_window=None)
        reference["logits_without_window"] = [numbers(logits[-1]) for logits in logits_of(full, tokens)]
    chat = [
        {"role": "system", "content": "Answer in few words."},
        {"role": "user", "content": " How is the wind? "},
        {"role": "assistant", "content": "Calm."},
        {"role": "user", "content": "And the ships — 12?"},
    ]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    reference["chat"] = {
        "messages": chat, "text": text, "ids": tokenizer.encode(text, add_special_tokens=False),
    }
    texts = [text.replace("SPECIAL", family["turn"]) for text in TEXTS]
    reference["token_ids"] = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)} for text in texts]
    reference["begins_with"] = tokenizer.encode("")
    reference["logits"] = [[numbers(row) for row in logits] for logits in base]
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}" for key, value in reference.items()]
    (folder / "reference.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def write_gguf(converter, folder, name, family, sentence_piece_model):
    """llama.cpp's converter on a copy of the folder. What it is told that it could not know: the name of
    the tokenizer's family (it compares checksums of published ones), and three numbers of Gemma 3 which
    it assumes to be those of the published sizes."""
    sys.path.insert(0, str(converter.parent))
    sys.path.insert(0, str(converter.parent / "gguf-py"))
    from conversion.base import TextModel
    from conversion.gemma import Gemma3Model

    TextModel.get_vocab_base_pre = lambda self, tokenizer: family["pre"]
    original = Gemma3Model.set_gguf_parameters

    def with_what_is_left_out(self):
        cap = self.hparams.pop("attn_logit_softcapping", None)
        original(self)
        self.gguf_writer.add_attention_scale(self.hparams["query_pre_attn_scalar"] ** -0.5)
        if cap:
            self.gguf_writer.add_attn_logit_softcapping(cap)
        pattern = self.hparams["layer_types"].index("full_attention") + 1
        if pattern != 6:
            self.gguf_writer.add_sliding_window_pattern(pattern)

    Gemma3Model.set_gguf_parameters = with_what_is_left_out
    with tempfile.TemporaryDirectory() as copy:
        copy = Path(copy) / name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("adapter", "reference.json", "gradients.*", "*.gguf"))
        if sentence_piece_model:
            shutil.copy(sentence_piece_model, copy)
        sys.argv = [str(converter), str(copy), "--outtype", "f32", "--outfile", str(folder / "model.gguf"), "--model-name", f"tiny {name}"]
        try:
            runpy.run_path(str(converter), run_name="__main__")
        finally:
            Gemma3Model.set_gguf_parameters = original


def apply_attention_caps():
    """transformers 5.24 takes Gemma 3's `attn_logit_softcapping` and never hands it to its own attention."""
    attend = modeling_gemma3.eager_attention_forward

    def capped(module, *inputs, **options):
        return attend(module, *inputs, softcap=module.attn_logit_softcapping, **options)

    modeling_gemma3.eager_attention_forward = capped


def main():
    apply_attention_caps()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--converter", type=Path, help="llama.cpp's convert_hf_to_gguf.py")
    parser.add_argument("--only", choices=FAMILIES, help="make one of the models")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in [arguments.only] if arguments.only else FAMILIES:
        family, folder = FAMILIES[name], HERE / name
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            tokenizer, sentence_piece_model = family["tokenizer"](Path(scratch))
            write_tokenizer(folder, family, tokenizer)
            ids = {"bos_token_id": family["bos"], "pad_token_id": family["pad"]}
            ids = {key: tokenizer.token_to_id(text) for key, text in ids.items() if text}
            ends = [tokenizer.token_to_id(text) for text in family.get("ends", [family["eos"]])]
            ids["eos_token_id"] = ends if len(ends) > 1 else ends[0]
            write_json(folder / "config.json", dict(sorted({**family["config"], **ids, "vocab_size": tokenizer.get_vocab_size()}.items())))
            write_weights(folder, family, AutoConfig.from_pretrained(folder))
            write_adapter(folder, name)
            write_reference(folder, name, family)
            if arguments.converter:
                write_gguf(arguments.converter.resolve(), folder, name, family, sentence_piece_model)
        for file in folder.rglob("*.safetensors"):
            file.chmod(0o644)
        print(name, "done")


if __name__ == "__main__":
    main()
