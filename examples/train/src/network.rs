//! A small network of candle's, trained on the batches of rwt, as a denoiser.

use crate::Result;
use candle_core::{DType, Device, Tensor};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear};
use rwt_core::training::{Levels, Training};
use rwt_core::{Schedule, SliceWalker, Step, Walk, recipes};
use std::ops::ControlFlow;

pub const SIGMA_MIN: f64 = 0.01;
pub const SIGMA_MAX: f64 = 30.0;
const BATCH: usize = 256;
const FREQUENCIES: usize = 6;
const SEED: u64 = 1;

/// Where training examples come from.
pub trait Data {
    /// Elements of an example.
    fn size(&self) -> usize;
    /// Write an example; the same for the same number.
    fn example(&self, number: u64, out: &mut [f32]);
}

/// Layers of one width with SiLU between them; the time enters as sines and cosines.
struct Network {
    layers: Vec<Linear>,
}

impl Network {
    fn new(size: usize, width: usize, variables: VarBuilder) -> Result<Self> {
        let sizes = [size + 1 + 2 * FREQUENCIES, width, width, width, size];
        let layers = sizes.windows(2).enumerate();
        let layers =
            layers.map(|(k, pair)| linear(pair[0], pair[1], variables.pp(k))).collect::<candle_core::Result<_>>()?;
        Ok(Self { layers })
    }

    /// The raw output for inputs of `size` elements, one after another, and one time each.
    fn forward(&self, size: usize, input: &[f32], times: &[f64]) -> Result<Tensor> {
        let mut rows = Vec::with_capacity(times.len() * (size + 1 + 2 * FREQUENCIES));
        for (example, time) in input.chunks(size).zip(times) {
            rows.extend_from_slice(example);
            rows.push(*time as f32);
            for k in 0..FREQUENCIES {
                let angle = time * f64::from(1 << k);
                rows.extend([angle.sin() as f32, angle.cos() as f32]);
            }
        }
        let mut x = Tensor::from_vec(rows, (times.len(), size + 1 + 2 * FREQUENCIES), &Device::Cpu)?;
        for (k, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x)?;
            if k + 1 < self.layers.len() {
                x = x.silu()?;
            }
        }
        Ok(x)
    }
}

/// A batch as the training template makes it.
struct Batch {
    sigmas: Vec<f64>,
    times: Vec<f64>,
    input: Vec<f32>,
    target: Vec<f32>,
}

impl Batch {
    fn new(data: &dyn Data, training: &Training<'_>, levels: Levels<'_>, first: u64) -> Result<Self> {
        let size = data.size();
        let mut batch =
            Self { sigmas: vec![], times: vec![], input: vec![0.0; BATCH * size], target: vec![0.0; BATCH * size] };
        let (mut clean, mut noisy) = (vec![0.0; size], vec![0.0; size]);
        for k in 0..BATCH {
            let (number, range) = (first + k as u64, k * size..(k + 1) * size);
            let sigma = levels.draw(SEED, number)?;
            data.example(number, &mut clean);
            training.noisy(sigma, &clean, SEED, number, &mut noisy)?;
            training.input(sigma, &noisy, &mut batch.input[range.clone()])?;
            training.target(sigma, &clean, &noisy, &mut batch.target[range])?;
            batch.sigmas.push(sigma);
            batch.times.push(training.time.of(sigma)?);
        }
        Ok(batch)
    }

    /// The mean loss, and its gradient with respect to the raw output.
    fn loss(&self, training: &Training<'_>, raw: &[f32]) -> Result<(f64, Vec<f32>)> {
        let size = raw.len() / BATCH;
        let (mut sum, mut gradient) = (0.0, vec![0.0; raw.len()]);
        for (k, &sigma) in self.sigmas.iter().enumerate() {
            let range = k * size..(k + 1) * size;
            sum += training.loss(sigma, &raw[range.clone()], &self.target[range.clone()], &mut gradient[range])?;
        }
        gradient.iter_mut().for_each(|g| *g /= BATCH as f32);
        Ok((sum / BATCH as f64, gradient))
    }
}

/// A trained network.
pub struct Trained {
    network: Network,
    training: Training<'static>,
    size: usize,
    /// The mean loss of each twentieth of the training.
    pub losses: Vec<f64>,
}

impl Trained {
    /// Train for `steps` batches with Adam; `report(step, loss)` is told the mean loss twenty times.
    pub fn train(
        data: &dyn Data,
        training: Training<'static>,
        levels: Levels<'_>,
        width: usize,
        steps: usize,
        mut report: impl FnMut(usize, f64),
    ) -> Result<Self> {
        let variables = VarMap::new();
        let size = data.size();
        let network = Network::new(size, width, VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
        initialise(&variables)?;
        let mut trained = Self { network, training, size, losses: Vec::new() };
        let mut adam =
            AdamW::new(variables.all_vars(), ParamsAdamW { lr: 0.0, weight_decay: 0.0, ..Default::default() })?;
        let (mut sum, every) = (0.0, (steps / 20).max(1));
        for step in 0..steps {
            let batch = Batch::new(data, &training, levels, (step * BATCH) as u64)?;
            let raw = trained.network.forward(size, &batch.input, &batch.times)?;
            let (loss, gradient) = batch.loss(&training, &raw.flatten_all()?.to_vec1()?)?;
            // a number whose gradient with respect to the raw output is the one that rwt gave
            let surrogate = (&raw * Tensor::from_vec(gradient, raw.shape(), &Device::Cpu)?)?.sum_all()?;
            adam.set_learning_rate(2e-3 * (1.0 - step as f64 / steps as f64));
            adam.backward_step(&surrogate)?;
            sum += loss;
            if (step + 1) % every == 0 {
                trained.losses.push(sum / every as f64);
                report(step + 1, sum / every as f64);
                sum = 0.0;
            }
        }
        Ok(trained)
    }

    /// D(x, σ) of any number of examples.
    pub fn denoise(&self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<()> {
        let mut input = vec![0.0; x.len()];
        self.training.input(sigma, x, &mut input)?;
        let times = vec![self.training.time.of(sigma)?; x.len() / self.size];
        let raw: Vec<f32> = self.network.forward(self.size, &input, &times)?.flatten_all()?.to_vec1()?;
        for ((d, x), raw) in denoised.iter_mut().zip(x).zip(raw) {
            *d = self.training.prediction.denoised(f64::from(*x), sigma, f64::from(raw)) as f32;
        }
        Ok(())
    }

    /// Draw `count` samples, one after another.
    pub fn sample(&self, count: usize, seed: u64) -> Result<Vec<f32>> {
        let mut levels = [0.0; 60];
        Schedule::Geometric { sigma_max: SIGMA_MAX, sigma_min: SIGMA_MIN }.levels(&mut levels)?;
        let mut rows = [Step::default(); 61];
        let used = recipes::multistep(&levels, 0.25, &mut rows)?;
        let n = count * self.size;
        let (mut x, mut denoised, mut previous) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let network =
            |x: &[f32], sigma: f64, d: &mut [f32]| self.denoise(x, sigma, d).map_err(|error| error.to_string());
        let mut walker = SliceWalker::new(network, seed, 0, count, &mut x, &mut denoised, &mut previous)?;
        Walk::new(&rows[..used])?
            .sample(&mut walker, |_, _, _| ControlFlow::Continue(()))
            .map_err(|error| format!("{error:?}"))?;
        Ok(x)
    }
}

/// Weights that depend on the seed alone: candle draws its own from the clock.
fn initialise(variables: &VarMap) -> Result<()> {
    let variables = variables.data().lock().map_err(|_| "a thread panicked")?;
    let mut names: Vec<_> = variables.keys().collect();
    names.sort();
    for (number, name) in names.into_iter().enumerate() {
        let (variable, shape) = (&variables[name], variables[name].shape().clone());
        let mut values = vec![0.0; shape.elem_count()];
        if let [_, inputs] = shape.dims() {
            rwt_core::noise::fill(SEED, number as u64, 2, 0, &mut values);
            values.iter_mut().for_each(|v| *v *= (1.0 / *inputs as f32).sqrt());
        }
        variable.set(&Tensor::from_vec(values, shape, &Device::Cpu)?)?;
    }
    Ok(())
}
