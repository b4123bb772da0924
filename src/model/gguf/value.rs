//! One value of a GGUF file's metadata. Arrays are kept as compactly as the file has them, so that
//! what a header makes us allocate never exceeds what the file holds.

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    U64(u64),
    I64(i64),
    F32(f32),
    F64(f64),
    Bool(bool),
    String(String),
    Array(Array),
}

/// An array of one type. Arrays of arrays exist in the format's description but in no model
/// (llama.cpp refuses them too), and are refused when the file is opened.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bool(Vec<bool>),
    String(Strings),
}

/// Many strings in one piece of memory: a vocabulary has a hundred thousand of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strings {
    text: String,
    /// Where each string ends in `text`; it starts where the one before it ends.
    ends: Vec<usize>,
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut list = Self::default();
        strings.into_iter().for_each(|string| list.push(string.as_ref(), usize::MAX));
        list
    }
}

impl Strings {
    /// An empty list with room for `count` strings.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { text: String::new(), ends: Vec::with_capacity(count) }
    }

    /// Appends one string; the memory grows by doubling, but never past `limit` bytes of text.
    pub(super) fn push(&mut self, string: &str, limit: usize) {
        let needed = self.text.len() + string.len();
        if needed > self.text.capacity() {
            let capacity = needed.max(self.text.capacity() * 2).min(limit.max(needed));
            self.text.reserve_exact(capacity - self.text.len());
        }
        self.text.push_str(string);
        self.ends.push(self.text.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let string = self.text.get(start..end).unwrap_or_default();
            start = end;
            string
        })
    }
}

impl Value {
    /// What the value is, for a message such as "`x` is a string, not a whole number".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::U8(_)
            | Value::I8(_)
            | Value::U16(_)
            | Value::I16(_)
            | Value::U32(_)
            | Value::I32(_)
            | Value::U64(_)
            | Value::I64(_) => "a whole number",
            Value::F32(_) | Value::F64(_) => "a decimal number",
            Value::Bool(_) => "true or false",
            Value::String(_) => "a string",
            Value::Array(Array::String(_)) => "a list of strings",
            Value::Array(_) => "a list of numbers",
        }
    }

    /// The value as a count, when it is a whole number that is not negative.
    pub fn as_usize(&self) -> Option<usize> {
        match *self {
            Value::U8(v) => Some(v.into()),
            Value::U16(v) => Some(v.into()),
            Value::U32(v) => usize::try_from(v).ok(),
            Value::U64(v) => usize::try_from(v).ok(),
            Value::I8(v) => usize::try_from(v).ok(),
            Value::I16(v) => usize::try_from(v).ok(),
            Value::I32(v) => usize::try_from(v).ok(),
            Value::I64(v) => usize::try_from(v).ok(),
            _ => None,
        }
    }

    /// The value as a decimal number (a double is rounded).
    pub fn as_f32(&self) -> Option<f32> {
        match *self {
            Value::F32(v) => Some(v),
            Value::F64(v) => Some(v as f32),
            _ => None,
        }
    }
}
