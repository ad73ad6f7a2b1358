//! ITU-T G.711: the two companded codecs of the telephone network.
//!
//! Both directions follow the ITU-T software tool library (G.191) bit for bit: 13 bits for A-law and 14 for µ-law,
//! taken from the top of the 16-bit sample.

use super::Frame;

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// A-law, RTP name PCMA: Brazil, Europe, international trunks.
    A,
    /// µ-law, RTP name PCMU: North America, Japan.
    Mu,
}

impl Law {
    /// One octet to one sample.
    pub fn decode(self, octet: u8) -> i16 {
        match self {
            Self::A => A_DECODED[usize::from(octet)],
            Self::Mu => MU_DECODED[usize::from(octet)],
        }
    }

    /// One sample to one octet.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::A => encode_a(sample),
            Self::Mu => encode_mu(sample),
        }
    }

    /// Octets to samples, as many as both sides have.
    pub fn decode_into(self, octets: &[u8], samples: &mut [i16]) {
        let table = match self {
            Self::A => &A_DECODED,
            Self::Mu => &MU_DECODED,
        };
        for (sample, octet) in samples.iter_mut().zip(octets) {
            *sample = table[usize::from(*octet)];
        }
    }

    /// Samples to octets, as many as both sides have.
    pub fn encode_into(self, samples: &[i16], octets: &mut [u8]) {
        for (octet, sample) in octets.iter_mut().zip(samples) {
            *octet = self.encode(*sample);
        }
    }

    /// A frame of 20 ms to its 160 octets.
    pub fn encode_frame(self, frame: &Frame) -> [u8; super::FRAME] {
        frame.map(|sample| self.encode(sample))
    }

    /// The octet in which nothing sounds.
    pub const fn silence(self) -> u8 {
        match self {
            Self::A => 0xD5,
            Self::Mu => 0xFF,
        }
    }
}

const fn decode_a(octet: u8) -> i16 {
    let toggled = octet ^ 0x55;
    let segment = (toggled >> 4) & 7;
    let step = ((toggled & 0x0F) as i16) << 4;
    let magnitude = if segment == 0 {
        step + 8
    } else {
        (step + 0x108) << (segment - 1)
    };
    if toggled & 0x80 != 0 {
        magnitude
    } else {
        -magnitude
    }
}

const fn decode_mu(octet: u8) -> i16 {
    let toggled = !octet;
    let segment = (toggled >> 4) & 7;
    let magnitude = (((((toggled & 0x0F) as i16) << 3) + 0x84) << segment) - 0x84;
    if toggled & 0x80 != 0 {
        -magnitude
    } else {
        magnitude
    }
}

fn encode_a(sample: i16) -> u8 {
    // The ones' complement of negative values keeps both halves symmetric, as G.191 has it.
    let negative = sample < 0;
    let magnitude = (if negative { !sample } else { sample }).cast_unsigned() >> 4;
    let code = if magnitude > 15 {
        let segment = 12 - magnitude.leading_zeros();
        let mantissa = (magnitude >> (segment - 1)) & 0x0F;
        (segment as u16) << 4 | mantissa
    } else {
        magnitude
    };
    let sign = if negative { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

fn encode_mu(sample: i16) -> u8 {
    let negative = sample < 0;
    let magnitude = ((if negative { !sample } else { sample }).cast_unsigned() >> 2) + 33;
    let magnitude = magnitude.min(0x1FFF);
    // Segments double from 64 upwards; the bias of 33 puts the first at 33..=63.
    let segment = (16 - (magnitude >> 6).leading_zeros()) as u16;
    let mantissa = (magnitude >> (segment + 1)) & 0x0F;
    let sign = if negative { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | mantissa as u8)
}

const A_DECODED: [i16; 256] = decoded(Law::A);
const MU_DECODED: [i16; 256] = decoded(Law::Mu);

const fn decoded(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = match law {
            Law::A => decode_a(octet as u8),
            Law::Mu => decode_mu(octet as u8),
        };
        octet += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The extremes and zeroes that every G.711 table agrees on.
    #[test]
    fn known_values() {
        assert_eq!(
            [0xD5, 0x55, 0xAA, 0x2A].map(|octet| Law::A.decode(octet)),
            [8, -8, 32_256, -32_256]
        );
        assert_eq!(
            [0xFF, 0x7F, 0x80, 0x00].map(|octet| Law::Mu.decode(octet)),
            [0, 0, 32_124, -32_124]
        );
        assert_eq!(
            [0, -1, i16::MAX, i16::MIN].map(|sample| Law::A.encode(sample)),
            [0xD5, 0x55, 0xAA, 0x2A]
        );
        assert_eq!(
            [0, -1, i16::MAX, i16::MIN].map(|sample| Law::Mu.encode(sample)),
            [0xFF, 0x7F, 0x80, 0x00]
        );
    }

    /// Decoding and encoding again gives the octet back; µ-law's negative zero is the one exception of the standard.
    #[test]
    fn octets_survive() {
        for octet in 0..=255 {
            assert_eq!(Law::A.encode(Law::A.decode(octet)), octet);
            let mu = Law::Mu.encode(Law::Mu.decode(octet));
            assert_eq!(mu, if octet == 0x7F { 0xFF } else { octet });
        }
    }

    /// The G.191 reference, written as its C source is: shifts in loops.
    #[test]
    fn encoders_equal_the_reference() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(
                Law::A.encode(sample),
                reference_a(sample),
                "A-law of {sample}"
            );
            assert_eq!(
                Law::Mu.encode(sample),
                reference_mu(sample),
                "µ-law of {sample}"
            );
        }
    }

    /// The error of one pass stays within half a step, 1/32 of the biased value, and what the dropped bits add.
    #[test]
    fn error_is_bounded() {
        for sample in -32_000..=32_000_i16 {
            for law in [Law::A, Law::Mu] {
                let error = i32::from(sample) - i32::from(law.decode(law.encode(sample)));
                assert!(
                    error.abs() <= (i32::from(sample).abs() + 132) / 32 + 16,
                    "{law:?} {sample}: {error}"
                );
            }
        }
    }

    fn reference_a(sample: i16) -> u8 {
        let mut ix = if sample < 0 {
            !sample >> 4
        } else {
            sample >> 4
        };
        if ix > 15 {
            let mut iexp = 1;
            while ix > 16 + 15 {
                ix >>= 1;
                iexp += 1;
            }
            ix -= 16;
            ix += iexp << 4;
        }
        if sample >= 0 {
            ix |= 0x80;
        }
        ix as u8 ^ 0x55
    }

    fn reference_mu(sample: i16) -> u8 {
        let absolute = if sample < 0 {
            (!sample >> 2) + 33
        } else {
            (sample >> 2) + 33
        }
        .min(0x1FFF);
        let mut i = absolute >> 6;
        let mut segment = 1;
        while i != 0 {
            segment += 1;
            i >>= 1;
        }
        let high = 8 - segment;
        let low = 0x0F - ((absolute >> segment) & 0x0F);
        let mut out = (high << 4) | low;
        if sample >= 0 {
            out |= 0x80;
        }
        out as u8
    }
}
