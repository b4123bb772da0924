//! A model file comes from anywhere: what is sound must be read exactly, what is not must be named
//! in one line, and nothing in it may crash the program or eat its memory.
#![allow(clippy::unwrap_used)]

mod common;

use common::gguf_file::{Field, GgufFile};
use kaizen::kernels::BlockFormat;
use kaizen::model::gguf::{Gguf, Value};

/// A sound file with every kind of value and three tensors.
fn sound() -> GgufFile {
    GgufFile::default()
        .text("general.architecture", "llama")
        .field("byte", Field::U8(200))
        .field("count", Field::U32(7))
        .field("minus", Field::I32(-1))
        .field("large", Field::U64(1 << 40))
        .field("single", Field::F32(0.5))
        .field("double", Field::F64(0.25))
        .field("yes", Field::Bool(1))
        .field("words", Field::Texts(vec!["a".into(), "".into(), "日本".into()]))
        .field("types", Field::Numbers(vec![1, -2, 3]))
        .field("scores", Field::Decimals(vec![0.0, -1.5]))
        .tensor("norm", &[3], 0, &[1; 12])
        .tensor("matrix", &[64, 2], 3, &[7; 80])
        .tensor("half", &[5, 3], 1, &[9; 30])
}

fn reason(file: GgufFile) -> String {
    let (_folder, opened) = file.open();
    let message = opened.unwrap_err().to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    message
}

/// The reason why these bytes are refused.
fn reason_of_bytes(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.gguf");
    std::fs::write(&path, bytes).unwrap();
    Gguf::open(&path).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read() {
    for version in [2, 3] {
        let (_folder, opened) = GgufFile { version, ..sound() }.open();
        let gguf = opened.unwrap();
        assert_eq!(gguf.str("general.architecture").unwrap(), "llama");
        assert_eq!(gguf.usize("byte").unwrap(), 200);
        assert_eq!(gguf.usize("count").unwrap(), 7);
        assert_eq!(gguf.usize("large").unwrap(), 1 << 40);
        assert_eq!(gguf.metadata["minus"], Value::I32(-1));
        assert_eq!(gguf.f32("single").unwrap(), 0.5);
        assert_eq!(gguf.f32("double").unwrap(), 0.25);
        assert!(gguf.bool("yes").unwrap());
        assert_eq!(gguf.strings("words").unwrap(), ["a", "", "日本"]);
        assert_eq!(gguf.optional_i32s("types").unwrap().unwrap(), [1, -2, 3]);
        assert_eq!(gguf.optional_f32s("scores").unwrap().unwrap(), [0.0, -1.5]);

        let matrix = gguf.tensor("matrix").unwrap();
        assert_eq!(matrix.shape, [2, 64], "outermost first");
        assert_eq!(matrix.kind, BlockFormat::Q4_1);
        assert_eq!(gguf.read(matrix).unwrap(), [7; 80]);
        assert_eq!(gguf.read(gguf.tensor("norm").unwrap()).unwrap(), [1; 12]);
        assert_eq!(gguf.read(gguf.tensor("half").unwrap()).unwrap(), [9; 30]);
    }
}

#[test]
fn an_alignment_of_its_own_is_kept() {
    let file = GgufFile { alignment: 128, ..GgufFile::default() }
        .field("general.alignment", Field::U32(128))
        .tensor("a", &[1], 0, &[1; 4])
        .tensor("b", &[1], 0, &[2; 4]);
    let (_folder, opened) = file.open();
    let gguf = opened.unwrap();
    let b = gguf.tensor("b").unwrap();
    assert!(b.offset.is_multiple_of(128));
    assert_eq!(gguf.read(b).unwrap(), [2; 4]);

    for unsound in [Field::U32(0), Field::U32(24), Field::Text("32".into())] {
        let message = reason(GgufFile::default().field("general.alignment", unsound));
        assert!(message.contains("general.alignment"), "{message}");
    }
}

#[test]
fn a_missing_or_mistyped_key_or_tensor_is_named() {
    let (_folder, opened) = sound().open();
    let gguf = opened.unwrap();
    assert!(
        gguf.usize("llama.block_count")
            .unwrap_err()
            .to_string()
            .contains("lacks `llama.block_count`")
    );
    let message = gguf.usize("general.architecture").unwrap_err().to_string();
    assert!(
        message.contains("`general.architecture` should be a whole number")
            && message.contains("a string")
    );
    assert!(gguf.usize("minus").is_err());
    assert!(gguf.optional_str("count").is_err(), "a wrong type is no absence");
    assert_eq!(gguf.optional_str("absent").unwrap(), None);
    assert!(
        gguf.tensor("blk.0.attn_q.weight")
            .unwrap_err()
            .to_string()
            .contains("\"blk.0.attn_q.weight\"")
    );
}

#[test]
fn a_file_that_is_no_model_is_named_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let message = Gguf::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("cannot"), "{message}");
    assert!(Gguf::open(&folder.path().join("absent")).unwrap_err().to_string().contains("absent"));
    assert!(reason_of_bytes(b"").contains("ends inside its header"));
    assert!(reason_of_bytes(b"<html>not found</html>").contains("no GGUF file"));
    assert!(reason(GgufFile { version: 1, ..sound() }).contains("version 1"));
    assert!(reason(GgufFile { version: 4, ..sound() }).contains("version 4"));
    assert!(reason(GgufFile { version: 3u32.swap_bytes(), ..sound() }).contains("big-endian"));
    assert!(reason(sound().field("split.count", Field::U32(3))).contains("one of 3 parts"));
    let (_folder, whole) = sound().field("split.count", Field::U32(1)).open();
    assert!(whole.is_ok());
}

#[test]
fn a_tensor_type_that_we_lack_is_named_with_those_we_have() {
    let message = reason(sound().tensor("w", &[256], 18, &[0; 98]));
    assert!(message.contains("IQ3_XXS") && message.contains("Q4_1, "), "{message}");
    assert!(reason(sound().tensor("w", &[32], 999, &[0; 32])).contains("type 999"));
}

#[test]
fn a_file_cut_off_anywhere_is_refused_and_says_how_much_is_missing() {
    let whole = sound().to_bytes();
    for length in 0..whole.len() {
        let message = reason_of_bytes(&whole[..length]);
        assert!(
            ["cut off", "damaged", "no GGUF", "ends inside"]
                .iter()
                .any(|word| message.contains(word)),
            "{length} of {} bytes: {message}",
            whole.len()
        );
    }
    let message = reason_of_bytes(&whole[..whole.len() - 11]);
    assert!(message.contains("11 are missing"), "{message}");
}

#[test]
fn counts_and_lengths_beyond_the_file_are_refused_before_memory_is_taken() {
    let count_places = [8, 16];
    for place in count_places {
        for count in [1_000_000, u64::from(u32::MAX), 1 << 40, u64::MAX] {
            let mut bytes = sound().to_bytes();
            bytes[place..place + 8].copy_from_slice(&count.to_le_bytes());
            assert!(reason_of_bytes(&bytes).contains(&format!("claims {count}")));
        }
    }
    for kind in 0..=12u32 {
        for count in [1 << 20, 1 << 40, 1 << 61, u64::MAX] {
            let mut head = kind.to_le_bytes().to_vec();
            head.extend(count.to_le_bytes());
            let message = reason(sound().field("list", Field::Raw(9, head)));
            assert!(
                message.contains("ends inside") || message.contains("list of lists"),
                "{message}"
            );
        }
    }
    for length in [1 << 20, 1 << 40, u64::MAX] {
        let message = reason(sound().field("text", Field::Raw(8, length.to_le_bytes().to_vec())));
        assert!(message.contains("ends inside"), "{message}");
    }
}

#[test]
fn impossible_values_and_tensors_are_refused() {
    assert!(reason(sound().field("no", Field::Bool(2))).contains("`no` should be true or false"));
    assert!(reason(sound().field("odd", Field::Raw(13, vec![]))).contains("unknown type 13"));
    let mut lone_byte = 1u64.to_le_bytes().to_vec();
    lone_byte.push(0xff);
    assert!(
        reason(sound().field("latin", Field::Raw(8, lone_byte)))
            .contains("`latin` is not valid UTF-8")
    );
    assert!(reason(sound().field("count", Field::U32(1))).contains("\"count\" stands in it twice"));
    assert!(
        reason(sound().tensor("norm", &[1], 0, &[0; 4])).contains("\"norm\" stands in it twice")
    );
    assert!(reason(sound().tensor("w", &[33], 3, &[0; 40])).contains("rows of 33"));
    assert!(reason(sound().tensor("w", &[], 0, &[])).contains("0 dimensions"));
    assert!(reason(sound().tensor("w", &[1, 1, 1, 1, 1], 0, &[0; 4])).contains("5 dimensions"));
    assert!(reason(sound().tensor("w", &[0, 4], 0, &[])).contains("impossible size"));
    assert!(reason(sound().tensor("w", &[1 << 40, 1 << 40], 0, &[])).contains("impossible size"));
    assert!(reason(sound().tensor("w", &[1 << 62], 0, &[])).contains("impossible"));

    let mut askew = sound();
    askew.tensors[1].offset += 4;
    assert!(reason(askew).contains("no multiple of 32"));
    let mut far = sound();
    far.tensors[1].offset = u64::MAX - 31;
    assert!(reason(far).contains("impossible place"));
    let mut beyond = sound();
    beyond.tensors[1].offset = 1 << 30;
    assert!(reason(beyond).contains("are missing"));
}

#[test]
fn a_tensor_description_from_elsewhere_cannot_read_past_the_end() {
    let (_folder, opened) = sound().open();
    let gguf = opened.unwrap();
    let mut info = gguf.tensor("half").unwrap().clone();
    info.bytes = usize::MAX;
    assert!(gguf.read(&info).is_err());
    info.offset = u64::MAX;
    assert!(gguf.read(&info).is_err());
}
