//! What computes inside ONNX Runtime.

use std::fmt;

use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider, ExecutionProvider, ExecutionProviderDispatch};

use crate::{Error, RuntimeOptions};

/// An execution provider of ONNX Runtime. Every build of it has the CPU's; the others come in builds of their own. Here,
/// the CPU's and OpenVINO's are tested; the others are registered as ONNX Runtime documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Provider {
    /// ONNX Runtime's own kernels for the CPU.
    #[default]
    Cpu,
    /// Intel's OpenVINO (`pip install onnxruntime-openvino`).
    OpenVino,
    /// NVIDIA's CUDA (`pip install onnxruntime-gpu`).
    Cuda,
    /// NVIDIA's TensorRT (`pip install onnxruntime-gpu`, and TensorRT).
    TensorRt,
    /// Apple's Core ML (the macOS builds).
    CoreMl,
    /// Microsoft's DirectML (`pip install onnxruntime-directml`).
    DirectMl,
}

/// The numbers that a provider may compute with. Fewer bits are faster and less exact: compare a few denoised pictures
/// with those of f32 before relying on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits; CUDA without TF32, while TensorRT may use it.
    #[default]
    F32,
    /// bfloat16 where the provider gains from it: OpenVINO and TensorRT.
    Bf16,
    /// Half precision: OpenVINO, TensorRT, and Core ML's accumulation on the GPU.
    F16,
}

impl Provider {
    /// Has its own memory: what it reads must be handed over anew for each evaluation.
    pub(crate) fn copies(self) -> bool {
        matches!(self, Self::Cuda | Self::TensorRt | Self::DirectMl)
    }

    /// Faster, or only able, with shapes that are known when the network is compiled.
    pub(crate) fn wants_fixed_shapes(self) -> bool {
        self != Self::Cpu
    }

    /// Pictures of an evaluation where the caller does not say. On a CPU several of 64 × 64 or more take their multiple in
    /// time and memory; smaller ones do not fill it alone.
    pub(crate) fn usual_batch(self, pixels: usize) -> usize {
        if self.copies() { 16 } else { (64 * 64 / pixels.max(1)).clamp(1, 16) }
    }

    /// What registers it with a session; nothing for the CPU's, which every session has. CUDA's computes on the stream.
    pub(crate) fn dispatch(
        self,
        options: &RuntimeOptions,
        threads: usize,
        stream: Option<usize>,
    ) -> Result<Vec<ExecutionProviderDispatch>, Error> {
        let refused = |why: String| Err(Error::Provider { provider: self.to_string(), why });
        let supports = match options.precision {
            Precision::F32 => true,
            Precision::Bf16 => matches!(self, Self::OpenVino | Self::TensorRt),
            Precision::F16 => matches!(self, Self::OpenVino | Self::TensorRt | Self::CoreMl),
        };
        if !supports {
            return refused(format!("it computes in f32, not {}: choose another provider or f32", options.precision));
        }
        if !self.is_in_library() {
            let name = self.package();
            return refused(format!(
                "this build of ONNX Runtime does not have it: install {name}, and name its library as the option or in \
                 ORT_DYLIB_PATH"
            ));
        }
        let (bf16, f16) = (options.precision == Precision::Bf16, options.precision == Precision::F16);
        let number = match &options.device[..] {
            "" => Ok(0),
            text => text.parse::<i32>().ok().filter(|&number| number >= 0).ok_or(()),
        };
        let takes_number = self.copies();
        if (takes_number && number.is_err()) || (matches!(self, Self::Cpu | Self::CoreMl) && !options.device.is_empty())
        {
            let expected = if takes_number { "a device's number" } else { "no device" };
            return refused(format!("expected {expected}, found {:?}", options.device));
        }
        let number = number.unwrap_or(0);
        let provider = match self {
            Self::Cpu => return Ok(Vec::new()),
            Self::OpenVino => openvino(options, threads),
            Self::Cuda => cuda(number, stream),
            Self::TensorRt => ep::TensorRT::default().with_device_id(number).with_bf16(bf16).with_fp16(f16).build(),
            Self::CoreMl => ep::CoreML::default()
                .with_model_format(ep::coreml::ModelFormat::MLProgram)
                .with_low_precision_accumulation_on_gpu(f16)
                .build(),
            Self::DirectMl => ep::DirectML::default().with_device_id(number).build(),
        };
        Ok(vec![provider.error_on_failure()])
    }

    /// Its name in ONNX Runtime.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => ep::CPU::NAME,
            Self::OpenVino => ep::OpenVINO::NAME,
            Self::Cuda => ep::CUDA::NAME,
            Self::TensorRt => ep::TensorRT::NAME,
            Self::CoreMl => ep::CoreML::NAME,
            Self::DirectMl => ep::DirectML::NAME,
        }
    }

    fn is_in_library(self) -> bool {
        let answer = match self {
            Self::Cpu => Ok(true),
            Self::OpenVino => ep::OpenVINO::is_available(),
            Self::Cuda => ep::CUDA::is_available(),
            Self::TensorRt => ep::TensorRT::is_available(),
            Self::CoreMl => ep::CoreML::is_available(),
            Self::DirectMl => ep::DirectML::is_available(),
        };
        answer.unwrap_or(false)
    }

    /// What to do where it does not start.
    pub(crate) fn needs(self) -> &'static str {
        match self {
            Self::Cuda | Self::TensorRt => {
                "it needs an NVIDIA GPU with a driver as new as its CUDA (nvidia-smi tells both) and NVIDIA's libraries: pip \
                 install 'onnxruntime-gpu[cuda,cudnn]', or name their folder in LD_LIBRARY_PATH"
            }
            _ => "it needs the device and its driver",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Cpu => "onnxruntime",
            Self::OpenVino => "onnxruntime-openvino",
            Self::Cuda | Self::TensorRt => "onnxruntime-gpu",
            Self::CoreMl => "onnxruntime on macOS",
            Self::DirectMl => "onnxruntime-directml",
        }
    }
}

/// In f32, with algorithms that are the same in every run: by default they are those that were the fastest in a trial.
fn cuda(number: i32, stream: Option<usize>) -> ExecutionProviderDispatch {
    let provider = ep::CUDA::default().with_device_id(number).with_tf32(false);
    let provider = provider.with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic);
    match stream {
        // SAFETY: whoever gives a stream promises that it outlives the session.
        Some(stream) => unsafe { provider.with_compute_stream(std::ptr::with_exposed_provenance_mut(stream)) }.build(),
        None => provider.build(),
    }
}

/// OpenVINO reads the precision from a configuration by device; its own option of that name means another thing.
fn openvino(options: &RuntimeOptions, threads: usize) -> ExecutionProviderDispatch {
    let device = if options.device.is_empty() { "CPU" } else { &options.device };
    let kind = device.split('.').next().unwrap_or(device);
    let count = if kind == "CPU" { format!(r#","INFERENCE_NUM_THREADS":"{threads}""#) } else { String::new() };
    let config = format!(r#"{{"{kind}":{{"INFERENCE_PRECISION_HINT":"{}"{count}}}}}"#, options.precision);
    let provider = ep::OpenVINO::default().with_device_type(device).with_num_threads(threads);
    provider.with_arbitrary_config("load_config", config).build()
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::OpenVino => "OpenVINO",
            Self::Cuda => "CUDA",
            Self::TensorRt => "TensorRT",
            Self::CoreMl => "Core ML",
            Self::DirectMl => "DirectML",
        })
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}
