//! Reads the header of a GGUF file (versions 2 and 3, little-endian) from any byte source whose length
//! is known. Owns every check that a hostile or damaged file must not get past: counts and lengths
//! are compared with what is left of the file before a byte is reserved for them, so that no
//! allocation exceeds the file and the whole header costs its own size plus a bounded number of entries.
//!
//! Source: the GGUF description in ggml (`docs/gguf.md`).

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::TensorInfo;
use super::value::{Array, Strings, Value};
use crate::kernels::BlockFormat;

pub(super) const MAGIC: [u8; 4] = *b"GGUF";
/// Offsets of tensors are multiples of this when the file does not say.
const DEFAULT_ALIGNMENT: u64 = 32;
/// GGML has at most four dimensions.
const MAX_DIMENSIONS: u32 = 4;
/// Models have some tens of keys and at most some thousands of tensors; more than this is no model.
const MAX_ENTRIES: u64 = 65_536;
/// The longest key that the format allows; tensor names are far shorter.
const MAX_NAME_BYTES: u64 = 65_535;

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    pub metadata: BTreeMap<String, Value>,
    pub tensors: BTreeMap<String, TensorInfo>,
}

/// Why a header was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The bytes could not be had.
    Io(io::Error),
    /// The bytes are not a model that we can use; the text says why, and what to do.
    Unusable(String),
}

type Result<T> = std::result::Result<T, Refusal>;

fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(Refusal::Unusable(reason.into()))
}

/// A tensor as the file describes it, before its place is known.
struct RawTensor {
    name: String,
    shape: Vec<usize>,
    kind: BlockFormat,
    /// Relative to the start of the data.
    offset: u64,
    bytes: u64,
}

impl Header {
    /// Reads a header from `source`, which holds `length` bytes in all.
    pub fn read(source: impl Read, length: u64) -> Result<Self> {
        let mut cursor = Cursor { source, position: 0, length };
        let (metadata, tensor_count) = Self::beginning(&mut cursor)?;
        if let Some(parts) = metadata.get("split.count").and_then(Value::as_usize)
            && parts > 1
        {
            return refuse(format!(
                "it is one of {parts} parts of a split model, which is not supported; join the parts with `llama-gguf-split --merge`"
            ));
        }
        let alignment = alignment(&metadata)?;

        let mut raw = Vec::with_capacity(tensor_count as usize);
        for _ in 0..tensor_count {
            raw.push(read_tensor(&mut cursor)?);
        }
        let tensors = place(raw, cursor.position, alignment, length)?;
        Ok(Self { metadata, tensors })
    }

    /// As [`Header::read`], the metadata alone: whatever is wrong with the tensors does not matter.
    pub fn read_metadata(source: impl Read, length: u64) -> Result<BTreeMap<String, Value>> {
        Ok(Self::beginning(&mut Cursor { source, position: 0, length })?.0)
    }

    /// The metadata, and how many tensors follow.
    fn beginning(cursor: &mut Cursor<impl Read>) -> Result<(BTreeMap<String, Value>, u64)> {
        read_preamble(cursor)?;
        let length = cursor.length;
        let tensor_count = cursor.u64()?;
        let key_count = cursor.u64()?;
        for (count, what, smallest) in
            [(key_count, "metadata keys", 8 + 4 + 1), (tensor_count, "tensors", 8 + 4 + 8 + 4 + 8)]
        {
            if count > MAX_ENTRIES || count > cursor.remaining() / smallest {
                return refuse(format!(
                    "it claims {count} {what}, which its {length} bytes cannot hold; the file is damaged, fetch it again"
                ));
            }
        }

        let mut metadata = BTreeMap::new();
        for _ in 0..key_count {
            let key = cursor.name("a metadata key")?;
            let value = cursor.value(&key)?;
            if metadata.insert(key.clone(), value).is_some() {
                return refuse(format!("the metadata key {key:?} stands in it twice"));
            }
        }
        Ok((metadata, tensor_count))
    }
}

fn read_preamble(cursor: &mut Cursor<impl Read>) -> Result<()> {
    let magic: [u8; 4] = cursor.bytes()?;
    if magic != MAGIC {
        return refuse("it does not begin with \"GGUF\", so it is no GGUF file");
    }
    let version = cursor.u32()?;
    match version {
        2 | 3 => Ok(()),
        1 => refuse("it is GGUF version 1, which is not supported; convert it to version 3"),
        _ if version.swap_bytes() <= 0xffff => refuse(format!(
            "it is a big-endian GGUF file (version {}), which is not supported; use the little-endian one",
            version.swap_bytes()
        )),
        _ => refuse(format!("it is GGUF version {version}; versions 2 and 3 are supported")),
    }
}

/// What the offsets of tensors are multiples of.
pub(super) fn alignment(metadata: &BTreeMap<String, Value>) -> Result<u64> {
    let Some(value) = metadata.get("general.alignment") else { return Ok(DEFAULT_ALIGNMENT) };
    match value.as_usize() {
        Some(alignment) if alignment.is_power_of_two() => Ok(alignment as u64),
        _ => refuse("its `general.alignment` is not a power of two"),
    }
}

fn read_tensor(cursor: &mut Cursor<impl Read>) -> Result<RawTensor> {
    let name = cursor.name("a tensor name")?;
    let dimensions = cursor.u32()?;
    if dimensions == 0 || dimensions > MAX_DIMENSIONS {
        return refuse(format!(
            "tensor {name:?} has {dimensions} dimensions; 1 to {MAX_DIMENSIONS} are possible"
        ));
    }
    let mut shape = Vec::with_capacity(dimensions as usize);
    let mut elements: u64 = 1;
    for _ in 0..dimensions {
        let dimension = cursor.u64()?;
        let product = elements.checked_mul(dimension).filter(|&product| product > 0);
        let (Some(product), Ok(dimension)) = (product, usize::try_from(dimension)) else {
            return refuse(format!(
                "tensor {name:?} has an impossible size; the file is damaged, fetch it again"
            ));
        };
        elements = product;
        shape.push(dimension);
    }
    // The file lists the innermost dimension first; we say [out, in] as PyTorch does.
    let row = shape[0];
    shape.reverse();

    let ggml_type = cursor.u32()?;
    let Some(kind) = BlockFormat::from_ggml_type(ggml_type) else {
        let supported: Vec<_> =
            (0..64).filter_map(BlockFormat::from_ggml_type).map(BlockFormat::name).collect();
        return refuse(format!(
            "tensor {name:?} is stored as {}, which is not supported; supported are {}",
            ggml_type_name(ggml_type),
            supported.join(", ")
        ));
    };
    if !row.is_multiple_of(kind.block_len()) {
        return refuse(format!(
            "tensor {name:?} has rows of {row} elements, which {} (blocks of {}) cannot store",
            kind.name(),
            kind.block_len()
        ));
    }
    let Some(bytes) = (elements / kind.block_len() as u64).checked_mul(kind.block_bytes() as u64)
    else {
        return refuse(format!(
            "tensor {name:?} has an impossible size; the file is damaged, fetch it again"
        ));
    };
    let offset = cursor.u64()?;
    Ok(RawTensor { name, shape, kind, offset, bytes })
}

/// Finds every tensor's place in the file, and refuses those that reach past its end.
fn place(
    raw: Vec<RawTensor>,
    header_end: u64,
    alignment: u64,
    length: u64,
) -> Result<BTreeMap<String, TensorInfo>> {
    let impossible = |name: &str| {
        refuse(format!(
            "tensor {name:?} lies at an impossible place; the file is damaged, fetch it again"
        ))
    };
    let mut tensors = BTreeMap::new();
    let mut needed = 0;
    for RawTensor { name, shape, kind, offset, bytes } in raw {
        if !offset.is_multiple_of(alignment) {
            return refuse(format!(
                "tensor {name:?} starts at {offset}, which is no multiple of {alignment}"
            ));
        }
        let start = header_end
            .checked_next_multiple_of(alignment)
            .and_then(|data| data.checked_add(offset));
        let Some((start, end)) = start.and_then(|start| Some((start, start.checked_add(bytes)?)))
        else {
            return impossible(&name);
        };
        let Ok(bytes) = usize::try_from(bytes) else { return impossible(&name) };
        needed = needed.max(end);
        let info = TensorInfo { name: name.clone(), shape, kind, offset: start, bytes };
        if tensors.insert(name.clone(), info).is_some() {
            return refuse(format!("tensor {name:?} stands in it twice"));
        }
    }
    if needed > length {
        return refuse(format!(
            "it is cut off: {length} bytes of at least {needed} are there, {} are missing; fetch it again",
            needed - length
        ));
    }
    Ok(tensors)
}

/// GGML's name of a tensor type, those included that Kaizen does not compute with.
fn ggml_type_name(ggml_type: u32) -> String {
    let name = match ggml_type {
        4 => "Q4_2",
        5 => "Q4_3",
        9 => "Q8_1",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        21 => "IQ3_S",
        22 => "IQ2_S",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        31 => "Q4_0_4_4",
        32 => "Q4_0_4_8",
        33 => "Q4_0_8_8",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => return format!("type {ggml_type}, which is unknown to us"),
    };
    name.to_owned()
}

/// Reads forward and always knows how much is left.
struct Cursor<R> {
    source: R,
    position: u64,
    length: u64,
}

impl<R: Read> Cursor<R> {
    fn remaining(&self) -> u64 {
        self.length - self.position
    }

    /// Says that `count` items of `size` bytes are about to be read, or refuses.
    fn expect(&self, count: u64, size: u64) -> Result<usize> {
        let bytes = count.checked_mul(size).filter(|&bytes| bytes <= self.remaining());
        match (bytes, usize::try_from(count)) {
            (Some(_), Ok(count)) => Ok(count),
            _ => refuse(format!(
                "it ends inside its header: {} bytes are left at byte {} where {count} × {size} are announced; it is cut off or damaged, fetch it again",
                self.remaining(),
                self.position,
            )),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.expect(buffer.len() as u64, 1)?;
        self.source.read_exact(buffer).map_err(Refusal::Io)?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bool(&mut self, key: &str) -> Result<bool> {
        match self.bytes()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => refuse(format!("`{key}` should be true or false (1 or 0) but is {other}")),
        }
    }

    fn name(&mut self, what: &str) -> Result<String> {
        let length = self.u64()?;
        if length > MAX_NAME_BYTES {
            return refuse(format!(
                "{what} claims {length} bytes; the file is damaged, fetch it again"
            ));
        }
        let mut bytes = vec![0; self.expect(length, 1)?];
        self.fill(&mut bytes)?;
        // Names are shown to people: nothing in them may move a cursor or break a line.
        match String::from_utf8(bytes) {
            Ok(name) if !name.contains(char::is_control) => Ok(name),
            _ => refuse(format!("{what} is not plain text; the file is damaged, fetch it again")),
        }
    }

    fn string(&mut self, key: &str) -> Result<String> {
        let length = self.u64()?;
        let mut bytes = vec![0; self.expect(length, 1)?];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).or_else(|_| refuse(format!("`{key}` is not valid UTF-8")))
    }

    fn value(&mut self, key: &str) -> Result<Value> {
        Ok(match self.u32()? {
            0 => Value::U8(self.bytes().map(u8::from_le_bytes)?),
            1 => Value::I8(self.bytes().map(i8::from_le_bytes)?),
            2 => Value::U16(self.bytes().map(u16::from_le_bytes)?),
            3 => Value::I16(self.bytes().map(i16::from_le_bytes)?),
            4 => Value::U32(self.u32()?),
            5 => Value::I32(self.bytes().map(i32::from_le_bytes)?),
            6 => Value::F32(self.bytes().map(f32::from_le_bytes)?),
            7 => Value::Bool(self.bool(key)?),
            8 => Value::String(self.string(key)?),
            9 => Value::Array(self.array(key)?),
            10 => Value::U64(self.u64()?),
            11 => Value::I64(self.bytes().map(i64::from_le_bytes)?),
            12 => Value::F64(self.bytes().map(f64::from_le_bytes)?),
            other => return refuse(format!("`{key}` has the unknown type {other}")),
        })
    }

    fn array(&mut self, key: &str) -> Result<Array> {
        let kind = self.u32()?;
        let count = self.u64()?;
        Ok(match kind {
            0 => Array::U8(self.numbers(count, u8::from_le_bytes)?),
            1 => Array::I8(self.numbers(count, i8::from_le_bytes)?),
            2 => Array::U16(self.numbers(count, u16::from_le_bytes)?),
            3 => Array::I16(self.numbers(count, i16::from_le_bytes)?),
            4 => Array::U32(self.numbers(count, u32::from_le_bytes)?),
            5 => Array::I32(self.numbers(count, i32::from_le_bytes)?),
            6 => Array::F32(self.numbers(count, f32::from_le_bytes)?),
            7 => {
                let mut values = Vec::with_capacity(self.expect(count, 1)?);
                for _ in 0..count {
                    values.push(self.bool(key)?);
                }
                Array::Bool(values)
            }
            8 => Array::String(self.strings(key, count)?),
            9 => return refuse(format!("`{key}` is a list of lists, which is not supported")),
            10 => Array::U64(self.numbers(count, u64::from_le_bytes)?),
            11 => Array::I64(self.numbers(count, i64::from_le_bytes)?),
            12 => Array::F64(self.numbers(count, f64::from_le_bytes)?),
            other => return refuse(format!("`{key}` is a list of the unknown type {other}")),
        })
    }

    fn numbers<T, const N: usize>(
        &mut self,
        count: u64,
        decode: fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let mut values = Vec::with_capacity(self.expect(count, N as u64)?);
        for _ in 0..count {
            values.push(decode(self.bytes()?));
        }
        Ok(values)
    }

    fn strings(&mut self, key: &str, count: u64) -> Result<Strings> {
        // Every string is announced by eight bytes of length.
        let mut strings = Strings::with_capacity(self.expect(count, 8)?);
        let limit = usize::try_from(self.remaining() - count * 8).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        for index in 0..count {
            let length = self.u64()?;
            bytes.resize(self.expect(length, 1)?, 0);
            self.fill(&mut bytes)?;
            let Ok(string) = str::from_utf8(&bytes) else {
                return refuse(format!("string {index} of `{key}` is not valid UTF-8"));
            };
            strings.push(string, limit);
        }
        Ok(strings)
    }
}
