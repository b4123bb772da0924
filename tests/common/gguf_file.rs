//! Writes small GGUF files, sound and unsound, for the tests of what reads them.

use kaizen::model::gguf::Gguf;
use tempfile::TempDir;

/// A metadata value to be written.
#[derive(Clone)]
pub enum Field {
    U8(u8),
    U32(u32),
    I32(i32),
    U64(u64),
    F32(f32),
    F64(f64),
    Bool(u8),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<i32>),
    Decimals(Vec<f32>),
    /// A type number and bytes of one's own.
    Raw(u32, Vec<u8>),
}

/// One tensor to be written: its dimensions as the file has them, innermost first.
#[derive(Clone)]
pub struct TensorField {
    pub name: String,
    pub dimensions: Vec<u64>,
    pub ggml_type: u32,
    pub offset: u64,
}

/// A GGUF file in the making.
#[derive(Clone)]
pub struct GgufFile {
    pub magic: [u8; 4],
    pub version: u32,
    pub fields: Vec<(String, Field)>,
    pub tensors: Vec<TensorField>,
    pub data: Vec<u8>,
    pub alignment: usize,
}

impl Default for GgufFile {
    fn default() -> Self {
        Self {
            magic: *b"GGUF",
            version: 3,
            fields: Vec::new(),
            tensors: Vec::new(),
            data: Vec::new(),
            alignment: 32,
        }
    }
}

impl GgufFile {
    pub fn field(mut self, key: &str, field: Field) -> Self {
        self.fields.push((key.to_owned(), field));
        self
    }

    pub fn text(self, key: &str, text: &str) -> Self {
        self.field(key, Field::Text(text.to_owned()))
    }

    /// Adds a tensor behind those already there.
    pub fn tensor(mut self, name: &str, dimensions: &[u64], ggml_type: u32, bytes: &[u8]) -> Self {
        self.data.resize(self.data.len().next_multiple_of(self.alignment), 0);
        self.tensors.push(TensorField {
            name: name.to_owned(),
            dimensions: dimensions.to_vec(),
            ggml_type,
            offset: self.data.len() as u64,
        });
        self.data.extend_from_slice(bytes);
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.magic);
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.fields.len() as u64).to_le_bytes());
        for (key, field) in &self.fields {
            put_text(&mut out, key);
            put_field(&mut out, field);
        }
        for tensor in &self.tensors {
            put_text(&mut out, &tensor.name);
            out.extend((tensor.dimensions.len() as u32).to_le_bytes());
            tensor.dimensions.iter().for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(tensor.ggml_type.to_le_bytes());
            out.extend(tensor.offset.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(self.alignment), 0);
        out.extend(&self.data);
        out
    }

    /// Writes the file and opens it; the folder lives as long as the first of the pair.
    pub fn open(&self) -> (TempDir, kaizen::model::Result<Gguf>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.gguf");
        std::fs::write(&path, self.to_bytes()).unwrap();
        let opened = Gguf::open(&path);
        (folder, opened)
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_field(out: &mut Vec<u8>, field: &Field) {
    let mut typed = |number: u32, bytes: &[u8]| {
        out.extend(number.to_le_bytes());
        out.extend(bytes);
    };
    match field {
        Field::U8(v) => typed(0, &v.to_le_bytes()),
        Field::U32(v) => typed(4, &v.to_le_bytes()),
        Field::I32(v) => typed(5, &v.to_le_bytes()),
        Field::F32(v) => typed(6, &v.to_le_bytes()),
        Field::Bool(v) => typed(7, &[*v]),
        Field::Text(text) => {
            typed(8, &[]);
            put_text(out, text);
        }
        Field::Texts(texts) => {
            typed(9, &array_head(8, texts.len()));
            texts.iter().for_each(|text| put_text(out, text));
        }
        Field::Numbers(values) => {
            typed(9, &array_head(5, values.len()));
            values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        }
        Field::Decimals(values) => {
            typed(9, &array_head(6, values.len()));
            values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        }
        Field::U64(v) => typed(10, &v.to_le_bytes()),
        Field::F64(v) => typed(12, &v.to_le_bytes()),
        Field::Raw(number, bytes) => typed(*number, bytes),
    }
}

fn array_head(kind: u32, count: usize) -> Vec<u8> {
    let mut head = kind.to_le_bytes().to_vec();
    head.extend((count as u64).to_le_bytes());
    head
}
