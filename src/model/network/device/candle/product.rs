//! The product with a frozen weight, as an operation of candle's graph. The weight is inside the
//! operation: as an operand, candle would compute its gradient too, and keep it.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Result, Shape, Storage, Tensor, bail,
};
use std::sync::Arc;

/// A frozen `(out, in)` weight.
#[derive(Debug, Clone)]
pub struct FrozenProduct {
    weight: Tensor,
    operation: Arc<Operation>,
}

impl FrozenProduct {
    pub fn new(weight: Tensor) -> Result<Self> {
        let operation = Arc::new(Operation { transposed: weight.t()?, weight: weight.clone() });
        Ok(Self { weight, operation })
    }

    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// `x · Wᵀ` for `x` `(n, in)`; its gradient goes to `x` alone.
    pub fn of(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1(Shared(self.operation.clone()))
    }
}

#[derive(Debug)]
struct Operation {
    weight: Tensor,
    /// The same memory, seen as `(in, out)`.
    transposed: Tensor,
}

struct Shared(Arc<Operation>);

impl Operation {
    /// The product, wherever the storages lie.
    fn product<S: BackendStorage>(
        &self,
        x: &S,
        layout: &Layout,
        own: impl FnOnce(&Storage) -> Option<&S>,
    ) -> Result<(S, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        let (columns, outputs) = self.transposed.dims2()?;
        if inputs != columns {
            bail!("a product of ({rows}, {inputs}) with ({columns}, {outputs})");
        }
        let (storage, own_layout) = self.transposed.storage_and_layout();
        let Some(weight) = own(&storage) else { bail!("a weight lies on another device") };
        let product = x.matmul(weight, (1, rows, outputs, inputs), layout, own_layout)?;
        Ok((product, Shape::from((rows, outputs))))
    }
}

impl CustomOp1 for Shared {
    fn name(&self) -> &'static str {
        "frozen product"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.0.product(x, layout, |storage| match storage {
            Storage::Cpu(own) => Some(own),
            _ => None,
        })
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        self.0.product(x, layout, |storage| match storage {
            Storage::Cuda(own) => Some(own),
            _ => None,
        })
    }

    fn metal_fwd(&self, x: &MetalStorage, layout: &Layout) -> Result<(MetalStorage, Shape)> {
        self.0.product(x, layout, |storage| match storage {
            Storage::Metal(own) => Some(own),
            _ => None,
        })
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(dy.contiguous()?.matmul(&self.0.weight)?))
    }
}
