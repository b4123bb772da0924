//! The rotations of a network: one for layers that see all of the past, and one for those with a window.

use super::super::Architecture;
use crate::kernels::{Angles, Rotary};

/// How the heads of each layer turn.
#[derive(Debug, Clone)]
pub(super) struct Rotaries {
    full: Rotary,
    /// Where layers with a window turn otherwise.
    local: Option<Rotary>,
    is_local: Vec<bool>,
}

impl Rotaries {
    pub fn new(architecture: &Architecture) -> Self {
        let width = architecture.attention.head_width;
        let form = &architecture.block;
        let local = form.local.as_ref().filter(|local| local.rope != form.rope);
        Self {
            full: form.rope.rotary(width),
            local: local.map(|local| local.rope.rotary(width)),
            is_local: (0..architecture.layers).map(|layer| architecture.is_local(layer)).collect(),
        }
    }

    /// The angles at `positions`, made once for all layers of a pass.
    pub fn angles(&self, positions: &[usize]) -> LayerAngles {
        LayerAngles {
            full: self.full.angles(positions),
            local: self.local.as_ref().map(|local| local.angles(positions)),
            is_local: self.is_local.clone(),
        }
    }
}

/// The angles of a pass's rows, for each layer.
#[derive(Debug)]
pub(super) struct LayerAngles {
    full: Angles,
    local: Option<Angles>,
    is_local: Vec<bool>,
}

impl LayerAngles {
    pub fn of(&self, layer: usize) -> &Angles {
        self.local.as_ref().filter(|_| self.is_local[layer]).unwrap_or(&self.full)
    }
}
