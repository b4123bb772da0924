//! The state of a run between two steps, in one file that is replaced as a whole.
//!
//! Order, dropout and initialisation are functions of the seed and the step, so parameters, moments
//! and the step number are all there is.

use super::{AdamW, Result, RunFolder};
use crate::store::atomic;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;

const FILE: &str = "checkpoint.safetensors";

/// Parameters and optimizer after `steps` steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub steps: usize,
    pub parameters: Vec<f32>,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Checkpoint {
    pub fn of(steps: usize, parameters: &[f32], optimizer: &AdamW) -> Self {
        Self {
            steps,
            parameters: parameters.to_vec(),
            first: optimizer.first.clone(),
            second: optimizer.second.clone(),
        }
    }

    /// Replaces the run's checkpoint.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, run: &RunFolder) -> Result<()> {
        let bytes: Vec<(&str, Vec<u8>)> =
            [("parameters", &self.parameters), ("first", &self.first), ("second", &self.second)]
                .map(|(name, values)| (name, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
                .into();
        let broken = |e: safetensors::SafeTensorError| run.broken(FILE, e.to_string());
        let mut views = Vec::new();
        for (name, values) in &bytes {
            views.push((
                *name,
                TensorView::new(Dtype::F32, vec![values.len() / 4], values).map_err(broken)?,
            ));
        }
        let steps = HashMap::from([("steps".to_owned(), self.steps.to_string())]);
        let file = safetensors::serialize(views, Some(steps)).map_err(broken)?;
        Ok(atomic::write(&run.path().join(FILE), &file)?)
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
