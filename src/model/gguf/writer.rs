//! Writes a GGUF file (version 3, little-endian) from front to back, so that no more of it than one piece
//! of one tensor is ever in memory. Owns the layout; knows nothing of where bytes come from or go to.
//!
//! Source: the GGUF description in ggml (`docs/gguf.md`); as its own writer does, tensors lie one behind
//! the other and each, the last included, is padded to the alignment.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::header::{self, MAGIC, Refusal};
use super::value::{Array, Value};
use crate::kernels::BlockFormat;

const VERSION: u32 = 3;

/// A tensor that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTensor {
    pub name: String,
    /// Outermost dimension first, as PyTorch says it: `[out, in]`.
    pub shape: Vec<usize>,
    /// The innermost dimension is a whole number of its blocks.
    pub kind: BlockFormat,
}

impl NewTensor {
    /// Length in bytes, without padding.
    pub fn bytes(&self) -> u64 {
        let elements: u64 = self.shape.iter().map(|dimension| *dimension as u64).product();
        elements / self.kind.block_len() as u64 * self.kind.block_bytes() as u64
    }
}

/// Writes a whole file. `data` is called once for each tensor, in order, with its place in `tensors`, and
/// writes exactly [`NewTensor::bytes`] bytes.
///
/// # Errors
/// What `out` or `data` report, and a `general.alignment` that is no power of two.
///
/// # Panics
/// When `data` writes more or fewer bytes than its tensor has.
pub fn write<E: From<io::Error>>(
    out: &mut dyn Write,
    metadata: &BTreeMap<String, Value>,
    tensors: &[NewTensor],
    mut data: impl FnMut(usize, &mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let alignment = header::alignment(metadata).map_err(|refusal| match refusal {
        Refusal::Io(source) => source,
        Refusal::Unusable(reason) => io::Error::new(io::ErrorKind::InvalidInput, reason),
    })?;
    let mut out = Counted { out, written: 0 };
    put_header(&mut out, metadata, tensors, alignment)?;
    out.pad(alignment)?;
    for (index, tensor) in tensors.iter().enumerate() {
        let start = out.written;
        data(index, &mut out)?;
        assert_eq!(out.written - start, tensor.bytes(), "bytes of tensor {:?}", tensor.name);
        out.pad(alignment)?;
    }
    Ok(())
}

fn put_header(
    out: &mut Counted,
    metadata: &BTreeMap<String, Value>,
    tensors: &[NewTensor],
    alignment: u64,
) -> io::Result<()> {
    out.write_all(&MAGIC)?;
    out.put_u32(VERSION)?;
    out.put_u64(tensors.len() as u64)?;
    out.put_u64(metadata.len() as u64)?;
    for (key, value) in metadata {
        out.put_text(key)?;
        out.put_value(value)?;
    }
    let mut offset = 0;
    for tensor in tensors {
        out.put_text(&tensor.name)?;
        out.put_u32(tensor.shape.len() as u32)?;
        for dimension in tensor.shape.iter().rev() {
            out.put_u64(*dimension as u64)?;
        }
        out.put_u32(tensor.kind.ggml_type())?;
        out.put_u64(offset)?;
        offset += tensor.bytes().next_multiple_of(alignment);
    }
    Ok(())
}

/// Writes, and knows how much it has written.
struct Counted<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Counted<'_> {
    fn pad(&mut self, alignment: u64) -> io::Result<()> {
        let missing = self.written.next_multiple_of(alignment) - self.written;
        for _ in 0..missing {
            self.write_all(&[0])?;
        }
        Ok(())
    }

    fn put_u32(&mut self, number: u32) -> io::Result<()> {
        self.write_all(&number.to_le_bytes())
    }

    fn put_u64(&mut self, number: u64) -> io::Result<()> {
        self.write_all(&number.to_le_bytes())
    }

    fn put_text(&mut self, text: &str) -> io::Result<()> {
        self.put_u64(text.len() as u64)?;
        self.write_all(text.as_bytes())
    }

    /// A number in front of a value that says its type, then the value.
    fn put_value(&mut self, value: &Value) -> io::Result<()> {
        match value {
            Value::U8(v) => self.put_typed(0, &v.to_le_bytes()),
            Value::I8(v) => self.put_typed(1, &v.to_le_bytes()),
            Value::U16(v) => self.put_typed(2, &v.to_le_bytes()),
            Value::I16(v) => self.put_typed(3, &v.to_le_bytes()),
            Value::U32(v) => self.put_typed(4, &v.to_le_bytes()),
            Value::I32(v) => self.put_typed(5, &v.to_le_bytes()),
            Value::F32(v) => self.put_typed(6, &v.to_le_bytes()),
            Value::Bool(v) => self.put_typed(7, &[u8::from(*v)]),
            Value::String(text) => {
                self.put_u32(8)?;
                self.put_text(text)
            }
            Value::Array(array) => {
                self.put_u32(9)?;
                self.put_array(array)
            }
            Value::U64(v) => self.put_typed(10, &v.to_le_bytes()),
            Value::I64(v) => self.put_typed(11, &v.to_le_bytes()),
            Value::F64(v) => self.put_typed(12, &v.to_le_bytes()),
        }
    }

    fn put_typed(&mut self, kind: u32, bytes: &[u8]) -> io::Result<()> {
        self.put_u32(kind)?;
        self.write_all(bytes)
    }

    fn put_array(&mut self, array: &Array) -> io::Result<()> {
        match array {
            Array::U8(values) => self.put_numbers(0, values, |v| v.to_le_bytes()),
            Array::I8(values) => self.put_numbers(1, values, |v| v.to_le_bytes()),
            Array::U16(values) => self.put_numbers(2, values, |v| v.to_le_bytes()),
            Array::I16(values) => self.put_numbers(3, values, |v| v.to_le_bytes()),
            Array::U32(values) => self.put_numbers(4, values, |v| v.to_le_bytes()),
            Array::I32(values) => self.put_numbers(5, values, |v| v.to_le_bytes()),
            Array::F32(values) => self.put_numbers(6, values, |v| v.to_le_bytes()),
            Array::Bool(values) => self.put_numbers(7, values, |v| [u8::from(v)]),
            Array::String(strings) => {
                self.put_u32(8)?;
                self.put_u64(strings.len() as u64)?;
                strings.iter().try_for_each(|string| self.put_text(string))
            }
            Array::U64(values) => self.put_numbers(10, values, |v| v.to_le_bytes()),
            Array::I64(values) => self.put_numbers(11, values, |v| v.to_le_bytes()),
            Array::F64(values) => self.put_numbers(12, values, |v| v.to_le_bytes()),
        }
    }

    fn put_numbers<T: Copy, const N: usize>(
        &mut self,
        kind: u32,
        values: &[T],
        encode: impl Fn(T) -> [u8; N],
    ) -> io::Result<()> {
        self.put_u32(kind)?;
        self.put_u64(values.len() as u64)?;
        values.iter().try_for_each(|value| self.write_all(&encode(*value)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Gguf;
    use super::super::value::Strings;
    use super::*;
    use candle_core::quantized::gguf_file;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn strings(texts: &[String]) -> Strings {
        let mut strings = Strings::with_capacity(texts.len());
        texts.iter().for_each(|text| strings.push(text, usize::MAX));
        strings
    }

    /// Without NaN, which equals nothing.
    fn number() -> impl Strategy<Value = f32> {
        any::<f32>().prop_filter("a number", |v| !v.is_nan())
    }

    fn array() -> impl Strategy<Value = Array> {
        prop_oneof![
            vec(any::<u8>(), 0..9).prop_map(Array::U8),
            vec(any::<i8>(), 0..9).prop_map(Array::I8),
            vec(any::<u16>(), 0..9).prop_map(Array::U16),
            vec(any::<i16>(), 0..9).prop_map(Array::I16),
            vec(any::<u32>(), 0..9).prop_map(Array::U32),
            vec(any::<i32>(), 0..9).prop_map(Array::I32),
            vec(any::<u64>(), 0..9).prop_map(Array::U64),
            vec(any::<i64>(), 0..9).prop_map(Array::I64),
            vec(number(), 0..9).prop_map(Array::F32),
            vec(number().prop_map(f64::from), 0..9).prop_map(Array::F64),
            vec(any::<bool>(), 0..9).prop_map(Array::Bool),
            vec(any::<String>(), 0..9).prop_map(|texts| Array::String(strings(&texts))),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<u8>().prop_map(Value::U8),
            any::<i8>().prop_map(Value::I8),
            any::<u16>().prop_map(Value::U16),
            any::<i16>().prop_map(Value::I16),
            any::<u32>().prop_map(Value::U32),
            any::<i32>().prop_map(Value::I32),
            any::<u64>().prop_map(Value::U64),
            any::<i64>().prop_map(Value::I64),
            number().prop_map(Value::F32),
            number().prop_map(|v| Value::F64(f64::from(v))),
            any::<bool>().prop_map(Value::Bool),
            any::<String>().prop_map(Value::String),
            array().prop_map(Value::Array),
        ]
    }

    /// A shape of one to four dimensions whose rows are whole blocks of the format, which candle has.
    fn tensor() -> impl Strategy<Value = (Vec<usize>, BlockFormat)> {
        let kinds = (0..64).filter_map(BlockFormat::from_ggml_type);
        let lacking = [BlockFormat::IQ4_NL, BlockFormat::IQ4_XS];
        let kinds: Vec<BlockFormat> = kinds.filter(|kind| !lacking.contains(kind)).collect();
        let outer = vec(1usize..4, 0..4);
        (proptest::sample::select(kinds), outer, 1usize..4).prop_map(|(kind, mut shape, blocks)| {
            shape.push(blocks * kind.block_len());
            (shape, kind)
        })
    }

    /// What candle holds for one of our values, as far as it has such a type.
    fn of_candle(value: &gguf_file::Value) -> Option<Value> {
        use gguf_file::Value as Theirs;
        Some(match value {
            Theirs::U8(v) => Value::U8(*v),
            Theirs::I8(v) => Value::I8(*v),
            Theirs::U16(v) => Value::U16(*v),
            Theirs::I16(v) => Value::I16(*v),
            Theirs::U32(v) => Value::U32(*v),
            Theirs::I32(v) => Value::I32(*v),
            Theirs::U64(v) => Value::U64(*v),
            Theirs::I64(v) => Value::I64(*v),
            Theirs::F32(v) => Value::F32(*v),
            Theirs::F64(v) => Value::F64(*v),
            Theirs::Bool(v) => Value::Bool(*v),
            Theirs::String(v) => Value::String(v.clone()),
            Theirs::Array(_) => return None,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// If this fails, an exported model cannot be opened, or is another one than was written.
        #[test]
        fn what_is_written_is_read_here_and_by_another_reader(
            mut metadata in btree_map("[a-z]{1,8}\\.[a-z_]{1,8}", value(), 0..9),
            shapes in vec(tensor(), 0..6),
            alignment in proptest::sample::select(vec![None, Some(8u32), Some(32), Some(256)]),
        ) {
            if let Some(alignment) = alignment {
                metadata.insert("general.alignment".into(), Value::U32(alignment));
            }
            let tensors: Vec<NewTensor> = shapes
                .into_iter()
                .enumerate()
                .map(|(i, (shape, kind))| NewTensor { name: format!("blk.{i}.weight"), shape, kind })
                .collect();
            let data = |index: usize| -> Vec<u8> {
                let count = tensors[index].bytes() as usize;
                (0..count).map(|i| (i * 31 + index * 7) as u8 & 0x3b).collect()
            };
            let mut bytes = Vec::new();
            write::<io::Error>(&mut bytes, &metadata, &tensors, |index, out| {
                // In pieces, as a large tensor comes.
                data(index).chunks(100).try_for_each(|piece| out.write_all(piece))
            }).unwrap();

            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            let ours = Gguf::open(file.path()).unwrap();
            prop_assert_eq!(&ours.metadata, &metadata);
            prop_assert_eq!(ours.tensors.len(), tensors.len());
            let mut reader = io::Cursor::new(&bytes);
            let theirs = gguf_file::Content::read(&mut reader).unwrap();
            prop_assert_eq!(theirs.metadata.len(), metadata.len());
            for (key, value) in &theirs.metadata {
                match of_candle(value) {
                    Some(value) => prop_assert_eq!(&value, &metadata[key]),
                    None => prop_assert!(matches!(metadata[key], Value::Array(_))),
                }
            }
            for (index, tensor) in tensors.iter().enumerate() {
                let info = ours.tensor(&tensor.name).unwrap();
                prop_assert_eq!((&info.shape, info.kind), (&tensor.shape, tensor.kind));
                prop_assert_eq!(ours.read(info).unwrap(), data(index));
                let read =
                    theirs.tensor(&mut reader, &tensor.name, &candle_core::Device::Cpu).unwrap();
                prop_assert_eq!(read.shape().dims(), &tensor.shape[..]);
                prop_assert_eq!(&read.data().unwrap()[..], &data(index)[..]);
            }
        }
    }

    /// A disk that fills up is told as such, whatever was being written.
    #[test]
    fn a_full_disk_comes_through() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let metadata = BTreeMap::from([("general.name".to_owned(), Value::String("a".into()))]);
        let tensor = NewTensor { name: "a".into(), shape: vec![2, 3], kind: BlockFormat::F32 };
        let write_to = |room| {
            write::<io::Error>(
                &mut Full(room),
                &metadata,
                std::slice::from_ref(&tensor),
                |_, out| out.write_all(&[0; 24]),
            )
        };
        let mut whole = Vec::new();
        write::<io::Error>(&mut whole, &metadata, std::slice::from_ref(&tensor), |_, out| {
            out.write_all(&[0; 24])
        })
        .unwrap();
        assert!(whole.len().is_multiple_of(32));
        for room in 0..whole.len() {
            assert_eq!(write_to(room).unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
        assert!(write_to(whole.len()).is_ok());
    }
}
