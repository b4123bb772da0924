//! A damaged or hostile model file may cost an error line, never a crash and never more memory than its
//! own size: headers with bits flipped, bytes removed and added, numbers replaced by the nastiest.
//! (`KAIZEN_FULL=1` tries a million of each kind.)
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::System;
use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Mutex;

use common::gguf_file::{Field, GgufFile};
use common::model_folder::{ModelFolder, Weights};
use kaizen::model::{Error, Gguf, SafetensorsFolder};
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[global_allocator]
static ALLOCATOR: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What opening may hold at once beyond the file's size: a reader's buffer of 64 KiB, and the entries.
const ALLOWANCE: usize = 96 << 10;

/// Memory is counted for the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Opens mutations of `sound`, of which the first `header` bytes are changed, by `open`: whether the
/// header is taken, all its tensors within the file.
fn fuzz(sound: &[u8], header: usize, open: impl Fn(&[u8]) -> Result<(), Error>) {
    let _alone = ALONE.lock().unwrap();
    let full = std::env::var_os("KAIZEN_FULL").is_some_and(|value| value == "1");
    let rounds = if full { 1_000_000 } else { 10_000 };
    let nasty =
        [0, 1, 0x7fff_ffff, 0xffff_ffff, 1 << 32, 1 << 40, 1 << 61, i64::MAX as u64, u64::MAX];
    let digits = b"0123456789-.eE\"[]{},:";
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut read, mut refused) = (0, 0);
    open(sound).unwrap();
    for _ in 0..rounds {
        let mut bytes = sound.to_vec();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..header.min(bytes.len() - 8));
            match random.random_range(0..8) {
                0 => bytes[place] ^= 1 << random.random_range(0..8),
                1 => bytes[place] = random.random_range(0..14),
                2 => {
                    let number: u64 = nasty[random.random_range(0..nasty.len())];
                    bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
                }
                3 => bytes.truncate(place.max(64)),
                4 => drop(bytes.remove(place)),
                5 => bytes.insert(place, random.random_range(0..=255)),
                6 => bytes[place] = digits[random.random_range(0..digits.len())],
                _ => {
                    let number: u64 = nasty[random.random_range(0..nasty.len())];
                    let end = (place + random.random_range(0..8)).min(bytes.len());
                    bytes.splice(place..end, number.to_string().into_bytes());
                }
            }
        }
        match open(&bytes) {
            Ok(()) => read += 1,
            Err(Error::Read { source, .. }) => panic!("reads past the file's end: {source}"),
            Err(error) => {
                refused += 1;
                let message = error.to_string();
                assert!(!message.contains(char::is_control), "{message}");
            }
        }
    }
    assert!(read > rounds / 100 && refused > rounds / 10, "{read} read, {refused} refused");
}

/// What `open` gives for a file of `length` bytes, having seen that it held no more memory than that.
fn measured<T>(length: usize, open: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    ALLOCATOR.reset_peak_memory();
    let opened = open();
    let peak = ALLOCATOR.get_peak_memory();
    assert!(peak <= length + ALLOWANCE, "{peak} bytes for a file of {length}");
    opened
}

/// Puts `bytes` in place of what the file held. It is not emptied first, after which some file systems
/// wait for the disk.
fn write(mut file: &File, bytes: &[u8]) {
    file.rewind().unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

#[test]
fn no_mutation_of_a_gguf_header_crashes_the_reader_or_eats_memory() {
    let sound = GgufFile::default()
        .text("text", "llama")
        .field("count", Field::U32(7))
        .field("yes", Field::Bool(1))
        .field("words", Field::Texts(vec!["a".into(), "".into(), "日本".into()]))
        .field("numbers", Field::Numbers(vec![1; 3]))
        .tensor("norm", &[3], 0, &[0; 12])
        .tensor("matrix", &[64, 2], 3, &[0; 168])
        .to_bytes();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let file = File::create(&path).unwrap();
    fuzz(&sound, sound.len() - 200, |bytes| {
        write(&file, bytes);
        let gguf = measured(bytes.len(), || Gguf::open(&path))?;
        for tensor in gguf.tensors.values() {
            assert!(tensor.offset + tensor.bytes as u64 <= bytes.len() as u64);
        }
        Ok(())
    });
}

#[test]
fn no_mutation_of_a_safetensors_header_crashes_the_reader_or_eats_memory() {
    let mut sound = Weights::default()
        .tensor("norm", "F32", &[3], &[0; 12])
        .tensor("matrix", "BF16", &[2, 16], &[0; 64])
        .tensor("packed", "I32", &[2, 4], &[0; 32])
        .tensor("new", "F3_NEW", &[2, 4], &[0; 3]);
    sound.header.insert("__metadata__".into(), serde_json::json!({ "format": "pt" }));
    let sound = sound.to_bytes();
    let folder = tempfile::tempdir().unwrap();
    ModelFolder::default().write(folder.path());
    let file = File::create(folder.path().join("model.safetensors")).unwrap();
    fuzz(&sound, sound.len() - 111, |bytes| {
        write(&file, bytes);
        let opened = measured(bytes.len(), || SafetensorsFolder::open(folder.path()))?;
        for name in opened.names() {
            let Ok(info) = opened.tensor(name) else { continue };
            assert!(info.offset + info.bytes as u64 <= bytes.len() as u64);
        }
        Ok(())
    });
}
