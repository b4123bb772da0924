//! Reads the header of a safetensors file. Owns every check that a hostile or damaged file must not get
//! past: the header's length is compared with the file's before a byte is reserved for it, and what it
//! describes is kept in no more than a bounded number of entries.
//!
//! Source: the format's description in the safetensors crate (`README.md`, "Format"): eight bytes of
//! length, little-endian; that many bytes of JSON; the tensors' bytes, without gaps.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use safetensors::Dtype;
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{Error as _, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::kernels::BlockFormat;

/// Bytes of the length at the start.
pub(super) const LENGTH_BYTES: usize = 8;
/// The longest header that the safetensors crate reads.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// Models have at most some thousands of tensors; more than this is no model.
const MAX_TENSORS: usize = 65_536;
const MAX_DIMENSIONS: usize = 8;
const MAX_NAME_BYTES: usize = 1024;
/// Characters of a parser's complaint that are shown; it may quote the file.
const MAX_COMPLAINT: usize = 300;

/// Why a header was not taken: of the file, and what to do.
type Result<T> = std::result::Result<T, String>;

/// How the elements of a tensor are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    As(BlockFormat),
    /// The name of a type that Kaizen does not compute with.
    Unsupported(String),
}

/// A tensor as its file describes it; it lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// Outermost dimension first.
    pub shape: Vec<usize>,
    pub stored: Stored,
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: usize,
}

/// The length of the header's JSON, out of the first bytes of a file of `length` bytes.
pub(super) fn json_length(first: [u8; LENGTH_BYTES], length: u64) -> Result<usize> {
    let claimed = u64::from_le_bytes(first);
    if claimed > MAX_HEADER_BYTES {
        return Err(format!(
            "it claims a header of {claimed} bytes, so it is no safetensors file or a damaged one; fetch it again"
        ));
    }
    let there = length.saturating_sub(LENGTH_BYTES as u64);
    match usize::try_from(claimed) {
        Ok(claimed) if claimed as u64 <= there => Ok(claimed),
        _ => Err(format!(
            "it is cut off inside its header: {there} bytes of {claimed} are there; fetch it again"
        )),
    }
}

/// The tensors that `json` describes, of a file of `length` bytes that begins with it.
pub(super) fn tensors(json: &[u8], length: u64) -> Result<BTreeMap<String, Described>> {
    if json.first() != Some(&b'{') {
        return Err("its header does not begin with \"{\", so it is no safetensors file".into());
    }
    let Entries(entries) = serde_json::from_slice(json).map_err(|error| {
        let complaint: String = error.to_string().chars().take(MAX_COMPLAINT).collect();
        format!("its header cannot be read ({complaint}); fetch it again")
    })?;
    let start = (LENGTH_BYTES + json.len()) as u64;
    let there = length.saturating_sub(start);
    check_places(&entries, there)?;
    entries
        .into_iter()
        .map(|(name, entry)| {
            let bytes = entry.bytes(&name)?;
            let described = Described {
                shape: entry.shape,
                stored: entry.stored,
                offset: start + entry.begin,
                bytes,
            };
            Ok((name, described))
        })
        .collect()
}

/// Tensors follow one another and fill the file, as every reader of the format demands.
fn check_places(entries: &BTreeMap<String, Entry>, there: u64) -> Result<()> {
    let mut places: Vec<(u64, u64, &str)> = Vec::with_capacity(entries.len());
    places.extend(entries.iter().map(|(name, entry)| (entry.begin, entry.end, name.as_str())));
    places.sort_unstable();
    let mut filled = 0;
    for (begin, end, name) in places {
        if end < begin {
            return Err(format!("tensor {name:?} ends before it begins; fetch it again"));
        }
        if begin != filled {
            let what = if begin < filled { "lies over another" } else { "follows a gap" };
            return Err(format!("tensor {name:?} {what}; the file is damaged, fetch it again"));
        }
        filled = end;
    }
    if filled > there {
        return Err(format!(
            "it is cut off: {there} of {filled} bytes of tensors are there, {} are missing; fetch it again",
            filled - there
        ));
    }
    if filled < there {
        return Err(format!(
            "it has {} bytes that belong to no tensor; it is damaged, fetch it again",
            there - filled
        ));
    }
    Ok(())
}

struct Entry {
    shape: Vec<usize>,
    stored: Stored,
    /// Bits of one element, where the type is known.
    bits: Option<usize>,
    /// From the end of the header.
    begin: u64,
    end: u64,
}

impl Entry {
    /// The length in bytes, which must be what shape and type say.
    fn bytes(&self, name: &str) -> Result<usize> {
        let impossible = || format!("tensor {name:?} has an impossible size; fetch it again");
        let bytes = usize::try_from(self.end - self.begin).map_err(|_| impossible())?;
        let Some(bits) = self.bits else { return Ok(bytes) };
        let wanted = self
            .shape
            .iter()
            .try_fold(bits, |product, &dimension| product.checked_mul(dimension))
            .ok_or_else(impossible)?;
        if Some(wanted) != bytes.checked_mul(8) {
            return Err(format!(
                "tensor {name:?} of shape {:?} has {bytes} bytes, not {}; fetch it again",
                self.shape,
                wanted / 8
            ));
        }
        Ok(bytes)
    }
}

/// The header's JSON object, without its `__metadata__`.
struct Entries(BTreeMap<String, Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            // Names are shown to people: nothing in them may move a cursor or break a line.
            if name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
                return Err(A::Error::custom("a tensor's name is not plain text"));
            }
            if entries.len() == MAX_TENSORS {
                return Err(A::Error::custom(format!("more than {MAX_TENSORS} tensors")));
            }
            let RawEntry { dtype, shape: Shape(shape), data_offsets: [begin, end] } =
                map.next_value()?;
            let (stored, bits) = stored(&dtype);
            let entry = Entry { shape, stored, bits, begin, end };
            if entries.contains_key(&name) {
                return Err(A::Error::custom(format!("tensor {name:?} stands in it twice")));
            }
            entries.insert(name, entry);
        }
        Ok(Entries(entries))
    }
}

#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(borrow)]
    dtype: Cow<'a, str>,
    shape: Shape,
    data_offsets: [u64; 2],
}

/// What a type's name stands for, and the bits of one element if that is known.
fn stored(dtype: &str) -> (Stored, Option<usize>) {
    let named: StrDeserializer<NameError> = dtype.into_deserializer();
    let known = Dtype::deserialize(named).ok();
    let bits = known.map(|dtype| dtype.bitsize());
    let stored = match known {
        Some(Dtype::F32) => Stored::As(BlockFormat::F32),
        Some(Dtype::F16) => Stored::As(BlockFormat::F16),
        Some(Dtype::BF16) => Stored::As(BlockFormat::BF16),
        _ => {
            let name = dtype.chars().filter(|character| !character.is_control()).take(32);
            Stored::Unsupported(name.collect())
        }
    };
    (stored, bits)
}

/// A bounded number of dimensions.
struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "at most {MAX_DIMENSIONS} dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Shape, A::Error> {
        let mut shape = Vec::new();
        while let Some(dimension) = seq.next_element()? {
            if shape.len() == MAX_DIMENSIONS {
                return Err(A::Error::custom(format!("more than {MAX_DIMENSIONS} dimensions")));
            }
            shape.push(dimension);
        }
        Ok(Shape(shape))
    }
}
