//! The acoustic model file: 8 kHz speech to phones (`models/README.md` tells where its weights come from).
//!
//! Little-endian, no padding: magic, eight u16 sizes, phone list, plan, blank discount, tensors, CRC-32 (IEEE).

use std::sync::Arc;

use super::features::{FrontEnd, MELS};
use super::kernel::Dense;
use crate::language::g2p::PHONES;

const MAGIC: &[u8; 8] = b"CMBACM1\0";
const VERSION: u16 = 1;
/// Feature frames of 10 ms under the first convolution, and from one of its outputs to the next.
pub const STEM_WIDTH: usize = 9;
pub const STEM_STRIDE: usize = 3;
/// Time steps under each further convolution.
pub const TAPS: usize = 3;
/// Anything larger is no telephone model but a damaged file.
const MAX_CHANNELS: usize = 1024;

/// Why a model file cannot be used. Without a model the agent still hears keys (DTMF).
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    #[error(
        "this is no acoustic model of combinado; give the file acoustic.bin of the models folder"
    )]
    NotAModel,
    #[error(
        "the model has version {found}, this program reads version {VERSION}; use the model that came with it"
    )]
    Version { found: u16 },
    #[error("the model file is damaged (wrong checksum); copy it again")]
    Damaged,
    #[error("the model file ends too early, or its sizes are wrong; copy it again")]
    Sizes,
    #[error(
        "the model was trained for the phones {found:?}, this program spells with {PHONES:?}; train it again"
    )]
    Phones { found: String },
    #[error(
        "the model's {part} is of a kind this program does not run; use the model that came with it"
    )]
    Layout { part: &'static str },
    #[error("the model lacks the tensor {name:?} in the shape {shape:?}; export it again")]
    Tensor { name: String, shape: Vec<usize> },
}

/// One residual convolution over three time steps.
#[derive(Clone, Debug)]
pub struct Block {
    pub dense: Dense,
    /// Steps of 30 ms between its taps.
    pub dilation: usize,
    /// Steps of 30 ms that it looks ahead.
    pub ahead: usize,
}

/// Weights and tables, shared by every call.
pub struct AcousticModel {
    pub(super) front_end: FrontEnd,
    pub(super) channels: usize,
    pub(super) stem: Dense,
    pub(super) blocks: Vec<Block>,
    pub(super) head: Dense,
    /// Nats taken off the blank before decoding; the network hides weak phones of unknown voices behind the blank.
    pub blank_discount: f32,
}

impl AcousticModel {
    /// The model that is built into the program.
    pub fn built_in() -> Result<Arc<Self>, ModelError> {
        Self::from_bytes(include_bytes!("../../../models/acoustic.bin")).map(Arc::new)
    }

    /// Reads a model file, and refuses one that is damaged or was made for another program.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut reader = Reader {
            bytes: checked_body(bytes)?,
        };
        let header = Header::read(&mut reader)?;
        let plan = read_plan(&mut reader, header.blocks)?;
        let blank_discount = reader.f32()?;
        let tensors = read_tensors(&mut reader)?;
        Self::assemble(&header, &plan, blank_discount, &tensors)
    }

    fn assemble(
        header: &Header,
        plan: &[(usize, usize)],
        blank_discount: f32,
        tensors: &[Tensor],
    ) -> Result<Self, ModelError> {
        let channels = header.channels;
        let stem = convolution(tensors, "front", [channels, MELS, STEM_WIDTH])?;
        let block = |(i, &(dilation, ahead)): (usize, &(usize, usize))| {
            let dense = convolution(tensors, &format!("block{i}"), [channels, channels, TAPS])?;
            Ok(Block {
                dense,
                dilation,
                ahead,
            })
        };
        let blocks = plan
            .iter()
            .enumerate()
            .map(block)
            .collect::<Result<_, ModelError>>()?;
        let head = linear(tensors, "out", [header.outputs, channels])?;
        Ok(Self {
            front_end: FrontEnd::new(),
            channels,
            stem,
            blocks,
            head,
            blank_discount,
        })
    }

    /// How far the network looks ahead, in steps of 30 ms.
    pub fn look_ahead(&self) -> usize {
        self.blocks.iter().map(|block| block.ahead).sum()
    }
}

impl std::fmt::Debug for AcousticModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "AcousticModel({} channels, {} blocks)",
            self.channels,
            self.blocks.len()
        )
    }
}

/// The bytes between magic and checksum.
fn checked_body(bytes: &[u8]) -> Result<&[u8], ModelError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(ModelError::NotAModel)?;
    let (body, checksum) = body.split_last_chunk::<4>().ok_or(ModelError::Sizes)?;
    if crc32fast::hash(&bytes[..bytes.len() - 4]) != u32::from_le_bytes(*checksum) {
        return Err(ModelError::Damaged);
    }
    Ok(body)
}

struct Header {
    outputs: usize,
    channels: usize,
    blocks: usize,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ModelError> {
        let version = reader.u16()?;
        if version != VERSION {
            return Err(ModelError::Version { found: version });
        }
        let mut size = || reader.u16().map(usize::from);
        let [outputs, channels, mels, width, stride, blocks, phones] = [
            size()?,
            size()?,
            size()?,
            size()?,
            size()?,
            size()?,
            size()?,
        ];
        let found = String::from_utf8_lossy(reader.take(phones)?).into_owned();
        if found != PHONES || outputs != PHONES.len() + 1 {
            return Err(ModelError::Phones { found });
        }
        if (mels, width, stride) != (MELS, STEM_WIDTH, STEM_STRIDE) {
            return Err(ModelError::Layout { part: "front end" });
        }
        // Rows of the network are whole panels of the kernel.
        if channels == 0 || channels > MAX_CHANNELS || !channels.is_multiple_of(32) {
            return Err(ModelError::Layout {
                part: "number of channels",
            });
        }
        Ok(Self {
            outputs,
            channels,
            blocks,
        })
    }
}

/// Dilation and look-ahead of each block.
fn read_plan(reader: &mut Reader<'_>, blocks: usize) -> Result<Vec<(usize, usize)>, ModelError> {
    let mut plan = Vec::new();
    for _ in 0..blocks {
        let (dilation, ahead) = (usize::from(reader.u8()?), usize::from(reader.u8()?));
        if dilation == 0 || dilation > 32 || ahead > 2 * dilation {
            return Err(ModelError::Layout {
                part: "plan of blocks",
            });
        }
        plan.push((dilation, ahead));
    }
    Ok(plan)
}

struct Tensor {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn read_tensors(reader: &mut Reader<'_>) -> Result<Vec<Tensor>, ModelError> {
    let count = reader.u32()?;
    (0..count).map(|_| read_tensor(reader)).collect()
}

fn read_tensor(reader: &mut Reader<'_>) -> Result<Tensor, ModelError> {
    let length = usize::from(reader.u8()?);
    let name = String::from_utf8_lossy(reader.take(length)?).into_owned();
    let half = reader.u8()? != 0;
    let dimensions = reader.u8()?;
    let shape = (0..dimensions)
        .map(|_| reader.u32().map(|n| n as usize))
        .collect::<Result<Vec<_>, _>>()?;
    let count = shape
        .iter()
        .try_fold(1usize, |all, &n| all.checked_mul(n))
        .ok_or(ModelError::Sizes)?;
    let size = count
        .checked_mul(if half { 2 } else { 4 })
        .ok_or(ModelError::Sizes)?;
    let bytes = reader.take(size)?;
    let values: Vec<f32> = if half {
        bytes
            .chunks_exact(2)
            .map(|b| f16(u16::from_le_bytes([b[0], b[1]])))
            .collect()
    } else {
        bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    };
    if values.iter().any(|value| !value.is_finite()) {
        return Err(ModelError::Damaged);
    }
    Ok(Tensor {
        name,
        shape,
        values,
    })
}

fn find<'a>(tensors: &'a [Tensor], name: String, shape: &[usize]) -> Result<&'a [f32], ModelError> {
    match tensors
        .iter()
        .find(|tensor| tensor.name == name && tensor.shape == shape)
    {
        Some(tensor) => Ok(&tensor.values),
        None => Err(ModelError::Tensor {
            name,
            shape: shape.to_vec(),
        }),
    }
}

/// `weight[output][channel][tap]` becomes a matrix whose inputs are ordered by tap, then channel, as rows lie in time.
fn convolution(
    tensors: &[Tensor],
    name: &str,
    [outputs, channels, taps]: [usize; 3],
) -> Result<Dense, ModelError> {
    let weight = find(
        tensors,
        format!("{name}.weight"),
        &[outputs, channels, taps],
    )?;
    let bias = find(tensors, format!("{name}.bias"), &[outputs])?;
    let at =
        |output, input| weight[(output * channels + input % channels) * taps + input / channels];
    Ok(Dense::pack(channels * taps, bias, at))
}

fn linear(
    tensors: &[Tensor],
    name: &str,
    [outputs, inputs]: [usize; 2],
) -> Result<Dense, ModelError> {
    let weight = find(tensors, format!("{name}.weight"), &[outputs, inputs])?;
    let bias = find(tensors, format!("{name}.bias"), &[outputs])?;
    Ok(Dense::pack(inputs, bias, |output, input| {
        weight[output * inputs + input]
    }))
}

/// IEEE 754 half precision.
fn f16(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ModelError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or(ModelError::Sizes)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let (taken, rest) = self
            .bytes
            .split_first_chunk::<N>()
            .ok_or(ModelError::Sizes)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, ModelError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, ModelError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        self.array().map(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, ModelError> {
        self.array().map(f32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../../models/acoustic.bin");

    fn refused(change: impl Fn(&mut Vec<u8>)) -> ModelError {
        let mut bytes = FILE.to_vec();
        change(&mut bytes);
        AcousticModel::from_bytes(&bytes).expect_err("a changed file is refused")
    }

    /// Makes the checksum right again, so that what it guards is looked at.
    fn sealed(bytes: &mut [u8]) {
        let body = bytes.len() - 4;
        let checksum = crc32fast::hash(&bytes[..body]);
        bytes[body..].copy_from_slice(&checksum.to_le_bytes());
    }

    #[test]
    fn reads_the_model_of_the_repository() {
        let model = AcousticModel::built_in().expect("models/acoustic.bin is good");
        assert_eq!(model.look_ahead(), 7);
        assert!((0.0..4.0).contains(&model.blank_discount));
    }

    #[test]
    fn refuses_what_is_damaged_or_foreign() {
        assert_eq!(
            AcousticModel::from_bytes(b"RIFF").expect_err("no model"),
            ModelError::NotAModel
        );
        assert_eq!(refused(|bytes| bytes[5000] ^= 1), ModelError::Damaged);
        assert_eq!(refused(|bytes| bytes.truncate(9)), ModelError::Sizes);
        let version = refused(|bytes| {
            bytes[8] = 9;
            sealed(bytes);
        });
        assert_eq!(version, ModelError::Version { found: 9 });
        let phones = refused(|bytes| {
            bytes[24] = b'x';
            sealed(bytes);
        });
        assert!(matches!(phones, ModelError::Phones { .. }));
    }

    /// No cut, with a checksum that fits, may lead to a panic.
    #[test]
    fn refuses_every_cut_of_the_header() {
        for length in 12..400 {
            let error = refused(|bytes| {
                bytes.truncate(length);
                sealed(bytes);
            });
            assert!(
                matches!(error, ModelError::Sizes | ModelError::Phones { .. }),
                "{length}: {error}"
            );
        }
    }

    #[test]
    fn halves_become_singles() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65504.0),
            (0, 0.0),
        ] {
            assert_eq!(f16(bits), value);
        }
    }
}
