//! µ-law of ITU-T G.711, one octet a sample.

/// One octet to one sample.
pub(crate) const fn decode(octet: u8) -> i16 {
    let toggled = !octet;
    let segment = (toggled >> 4) & 7;
    let magnitude = (((((toggled & 0x0F) as i16) << 3) + 0x84) << segment) - 0x84;
    if toggled & 0x80 != 0 {
        -magnitude
    } else {
        magnitude
    }
}

/// One sample to one octet.
pub(crate) fn encode(sample: i16) -> u8 {
    let negative = sample < 0;
    let magnitude =
        (((if negative { !sample } else { sample }).cast_unsigned() >> 2) + 33).min(0x1FFF);
    let segment = (16 - (magnitude >> 6).leading_zeros()) as u16;
    let mantissa = (magnitude >> (segment + 1)) & 0x0F;
    let sign = if negative { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | mantissa as u8)
}
