//! What stands in for the GPU in a build without support for one: types that have no value, so that
//! the compiler removes every branch that would need them.

use crate::model::Result;
use crate::model::lora::Lora;
use crate::model::network::{Dropout, Feed, Network, Target};
use std::ops::Range;

#[derive(Debug)]
pub enum Device {}

/// A device, or why there is none.
pub type Opened = std::result::Result<Device, String>;

#[derive(Debug)]
pub enum DeviceNetwork {}

#[derive(Debug)]
pub enum DeviceRecording {}

#[derive(Debug, Clone)]
pub enum DeviceCache {}

pub fn cuda() -> Opened {
    Err("this build has no CUDA support (build Kaizen with --features cuda)".into())
}

pub fn metal() -> Opened {
    Err("this build has no Metal support (build Kaizen with --features metal)".into())
}

impl DeviceNetwork {
    pub fn new(_: &Network, device: Device) -> Result<Self> {
        match device {}
    }

    pub fn bytes(&self) -> usize {
        match *self {}
    }

    pub fn extend(
        &self,
        _: Option<&Lora>,
        _: Vec<f32>,
        _: &[usize],
        _: &[Range<usize>],
        feeds: &mut [Feed],
    ) -> Result<Vec<f32>> {
        for feed in feeds {
            feed.cache.on_device(|| match *self {});
        }
        match *self {}
    }

    pub fn read(
        &self,
        _: Option<&Lora>,
        _: Vec<f32>,
        _: &[usize],
        _: &[Range<usize>],
    ) -> Result<Vec<f32>> {
        match *self {}
    }

    pub fn record(
        &self,
        _: &Lora,
        _: Vec<f32>,
        _: &[usize],
        _: &[Range<usize>],
        _: Dropout,
        _: bool,
    ) -> Result<(Vec<f32>, DeviceRecording)> {
        match *self {}
    }

    pub fn backward(
        &self,
        _: &Lora,
        recording: DeviceRecording,
        _: Vec<f32>,
        _: &mut [f32],
    ) -> Result<()> {
        match recording {}
    }

    pub fn logits(&self, _: Vec<f32>) -> Result<Vec<f32>> {
        match *self {}
    }

    pub fn losses(&self, _: Vec<f32>, _: &[Target]) -> Result<Vec<f32>> {
        match *self {}
    }

    pub fn losses_and_gradient(
        &self,
        _: Vec<f32>,
        _: &[Target],
        _: &[f32],
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        match *self {}
    }
}
