//! The state of a run between two steps, in one file that is replaced as a whole.
//!
//! Order, dropout and initialisation are functions of the seed and the step, so parameters, moments
//! and the step number are all there is.

use super::{AdamW, Result, RunFolder};
use crate::store::atomic;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;

const FILE: &str = "checkpoint.safetensors";
/// Numbers written at once.
const PIECE: usize = 1 << 16;

/// Parameters and optimizer after `steps` steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub steps: usize,
    pub parameters: Vec<f32>,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Checkpoint {
    /// Replaces the run's checkpoint by what `optimizer` made of `parameters` in `steps` steps. Written
    /// piece by piece: a copy would be as large as the adapter's whole share of the memory.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(
        run: &RunFolder,
        steps: usize,
        parameters: &[f32],
        optimizer: &AdamW,
    ) -> Result<()> {
        let tensors: [(&str, &[f32]); 3] = [
            ("parameters", parameters),
            ("first", &optimizer.first),
            ("second", &optimizer.second),
        ];
        let mut end = 0;
        let described = tensors.map(|(name, values)| {
            let start = end;
            end += size_of_val(values);
            let (dtype, shape) = (Dtype::F32, vec![values.len()]);
            (name.to_owned(), TensorInfo { dtype, shape, data_offsets: (start, end) })
        });
        let steps = HashMap::from([("steps".to_owned(), steps.to_string())]);
        let mut header = Metadata::new(Some(steps), described.into())
            .map_err(|e| e.to_string())
            .and_then(|header| serde_json::to_string(&header).map_err(|e| e.to_string()))
            .map_err(|e| run.broken(FILE, e))?;
        // The format aligns the numbers to 8 bytes with spaces.
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        Ok(atomic::write_with(&run.path().join(FILE), |file| {
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(header.as_bytes())?;
            for piece in tensors.iter().flat_map(|(_, values)| values.chunks(PIECE)) {
                let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
                file.write_all(&bytes)?;
            }
            Ok(())
        })?)
    }

    /// The run's checkpoint, if it has one yet.
    ///
    /// # Errors
    /// When it is damaged or not for `parameters` parameters.
    pub fn read(run: &RunFolder, parameters: usize) -> Result<Option<Self>> {
        let path = run.path().join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let file = std::fs::read(&path).map_err(|e| run.broken(FILE, e.to_string()))?;
        let damaged =
            |e: safetensors::SafeTensorError| run.broken(FILE, format!("it is damaged ({e})"));
        let (_, header) = SafeTensors::read_metadata(&file).map_err(damaged)?;
        let steps = header
            .metadata()
            .as_ref()
            .and_then(|m| m.get("steps"))
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| run.broken(FILE, "it does not say its step".into()))?;
        let tensors = SafeTensors::deserialize(&file).map_err(damaged)?;
        let values = |name: &str| -> Result<Vec<f32>> {
            let view = tensors.tensor(name).map_err(damaged)?;
            if view.dtype() != Dtype::F32 || view.shape() != [parameters] {
                return Err(run.broken(FILE, format!("`{name}` is not for this adapter's shape")));
            }
            Ok(view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        };
        Ok(Some(Self {
            steps,
            parameters: values("parameters")?,
            first: values("first")?,
            second: values("second")?,
        }))
    }
}
