//! Which device a network computes on: what the configuration asks for, what the build has support
//! for, and what the machine has.

use super::engine::{self, Device, DeviceNetwork, Opened};
use crate::config::DeviceChoice;
use crate::model::network::Network;
use crate::model::{Error, Result};

/// The device that a choice leads to, and why it is not another.
enum Found {
    Gpu(Device, &'static str),
    Processor(String),
}

fn find(choice: DeviceChoice) -> Result<Found> {
    let gpu = |asked, name, opened: Opened| match opened {
        Ok(device) => Ok(Found::Gpu(device, name)),
        Err(reason) => Err(Error::NoDevice { asked, reason }),
    };
    match choice {
        DeviceChoice::Cpu => Ok(Found::Processor("runtime.device is \"cpu\"".into())),
        DeviceChoice::Cuda => gpu("cuda", CUDA, engine::cuda()),
        DeviceChoice::Metal => gpu("metal", METAL, engine::metal()),
        DeviceChoice::Auto => Ok(match (engine::cuda(), cfg!(feature = "cuda")) {
            (Ok(device), _) => Found::Gpu(device, CUDA),
            (Err(why), true) => Found::Processor(why),
            (Err(_), false) => match (engine::metal(), cfg!(feature = "metal")) {
                (Ok(device), _) => Found::Gpu(device, METAL),
                (Err(why), true) => Found::Processor(why),
                (Err(_), false) => Found::Processor("this build has no GPU support".into()),
            },
        }),
    }
}

const CUDA: &str = "the GPU, by CUDA";
const METAL: &str = "the GPU, by Metal";

/// In words, the device that a choice leads to on this machine.
///
/// # Errors
/// A device that is asked for by name and that the build or the machine lacks.
pub fn device_found(choice: DeviceChoice) -> Result<String> {
    Ok(match find(choice)? {
        Found::Gpu(_, name) => format!("the model computes on {name}"),
        Found::Processor(why) => format!("the model computes on the processor ({why})"),
    })
}

impl Network {
    /// The same network on the chosen device. On a GPU the weights move there, as f32; the
    /// processor keeps the embedding alone.
    ///
    /// # Errors
    /// A device that is asked for by name and that the build or the machine lacks, or a GPU whose
    /// memory is too small.
    pub fn onto(self, choice: DeviceChoice) -> Result<Self> {
        match find(choice)? {
            Found::Processor(_) => Ok(self),
            Found::Gpu(device, _) => self.moved_to(device),
        }
    }

    pub(super) fn moved_to(mut self, device: Device) -> Result<Self> {
        self.device = Some(DeviceNetwork::new(&self, device)?);
        self.blocks = Vec::new();
        self.separate_head = None;
        Ok(self)
    }
}
