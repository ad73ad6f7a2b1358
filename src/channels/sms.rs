//! Text messages: what fits into one, and what has to be rewritten first.
//!
//! The GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1) costs one septet a character, its extension two. One
//! character outside makes the whole text UCS-2, which is more than twice as dear.

/// How a text is encoded on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Encoding {
    #[serde(rename = "GSM-7")]
    Gsm7,
    #[serde(rename = "UCS-2")]
    Ucs2,
}

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cost {
    pub encoding: Encoding,
    /// Septets, or UTF-16 units.
    pub units: usize,
    /// Messages it is split into, and paid as.
    pub parts: usize,
}

/// The default alphabet, without the escape to the extension.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Two septets each: an escape and a character.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

impl Encoding {
    /// Units that fit into a message alone, and into each of several (the header of a part takes the rest).
    const fn capacity(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// What `text` costs as it stands.
pub fn cost(text: &str) -> Cost {
    let gsm7 = text.chars().map(septets).collect::<Option<Vec<_>>>();
    let (encoding, sizes) = match gsm7 {
        Some(sizes) => (Encoding::Gsm7, sizes),
        None => (Encoding::Ucs2, text.chars().map(char::len_utf16).collect()),
    };
    let units = sizes.iter().sum();
    let (alone, each) = encoding.capacity();
    let parts = if units <= alone {
        1
    } else {
        split(&sizes, each)
    };
    Cost {
        encoding,
        units,
        parts,
    }
}

/// Septets of one character; none outside the alphabet.
fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Parts of `each` units. A character of two units is never cut.
fn split(sizes: &[usize], each: usize) -> usize {
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > each {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

/// The text in ASCII, as carriers in Brazil surely carry it: accents go, typographer's signs become plain ones.
/// What has no plain counterpart is dropped.
pub fn plain(text: &str) -> String {
    crate::base::transliterate(text)
        .chars()
        .filter_map(|c| match c {
            '\t' => Some(' '),
            '\n' | ' '..='~' => Some(c),
            _ => None,
        })
        .collect()
}

/// The two ways to pay that are sent by message.
#[derive(Clone, Copy, Debug)]
pub enum Code<'a> {
    /// Linha digitável; signs between the digits are taken out.
    Boleto(&'a str),
    /// Copia e cola.
    Pix(&'a str),
}

/// What a message with an instrument says.
#[derive(Clone, Copy)]
pub struct Payment<'a> {
    /// As the debtor knows the creditor; put in capitals.
    pub creditor: &'a str,
    pub first_name: &'a str,
    pub amount: crate::base::Centavos,
    pub due: crate::base::Date,
    pub code: Code<'a>,
}

/// The message with which an agreement's instrument is sent: plain, creditor first, the code alone on its line, so
/// that one touch selects it.
pub fn payment_text(payment: &Payment<'_>) -> String {
    let Payment {
        creditor,
        first_name,
        amount,
        due,
        code,
    } = payment;
    let creditor = plain(&creditor.to_uppercase());
    let due = due.strftime("%d/%m/%Y");
    match code {
        Code::Boleto(line) => {
            let digits: String = line.chars().filter(char::is_ascii_digit).collect();
            let name = plain(first_name);
            format!(
                "{creditor}: {name}, boleto do seu acordo {amount} venc. {due}. Codigo:\n{digits}"
            )
        }
        // A Pix code takes a part and a half; the name would only make it longer.
        Code::Pix(payload) => {
            format!(
                "{creditor}: Pix copia e cola do acordo, {amount} ate {due}:\n{}",
                payload.trim()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Centavos;

    const PIX_05: &str = "00020101021226810014br.gov.bcb.pix2559pix.example.com/qr/v2/cobv/9d36b84fc70b478fb95c12729b90ca255204000053039865802BR5918Credora Exemplo SA6009SAO PAULO62070503***6304C773";
    const LINE: &str = "34191.09982 71234.500057 71234.570001 9 16560000123456";

    fn gsm7(units: usize, parts: usize) -> Cost {
        Cost {
            encoding: Encoding::Gsm7,
            units,
            parts,
        }
    }

    fn ucs2(units: usize, parts: usize) -> Cost {
        Cost {
            encoding: Encoding::Ucs2,
            units,
            parts,
        }
    }

    fn ana(code: Code<'_>) -> String {
        let due = jiff::civil::date(2026, 12, 10);
        payment_text(&Payment {
            creditor: "Credora Exemplo",
            first_name: "Ana",
            amount: Centavos(123_456),
            due,
            code,
        })
    }

    /// SMS-01: the boleto by message, its digits on their own line.
    #[test]
    fn a_boleto_fits_into_one_message() {
        let text = ana(Code::Boleto(LINE));
        assert_eq!(
            text,
            "CREDORA EXEMPLO: Ana, boleto do seu acordo R$ 1.234,56 venc. 10/12/2026. Codigo:\n\
             34191099827123450005771234570001916560000123456"
        );
        assert_eq!(cost(&text), gsm7(128, 1));
    }

    /// SMS-02 and SMS-03: signs cost little, one `ó` costs two messages.
    #[test]
    fn one_accent_makes_three_messages() {
        let start = "CREDORA EXEMPLO: Ana,";
        let plain_text =
            format!("{start} boleto do seu acordo R$ 1.234,56 venc. 10/12/2026. Codigo: {LINE}");
        assert_eq!(cost(&plain_text), gsm7(135, 1));
        let accent = format!(
            "{start} segue o código do boleto do seu acordo, R$ 1.234,56, vencimento 10/12/2026: {LINE}"
        );
        assert_eq!(cost(&accent), ucs2(152, 3));
        assert_eq!(cost(&plain(&accent)).parts, 1);
    }

    /// SMS-04: a Pix code takes two.
    #[test]
    fn a_pix_code_takes_two_messages() {
        assert_eq!(cost(&ana(Code::Pix(PIX_05))), gsm7(245, 2));
    }

    /// SMS-05 to SMS-09.
    #[test]
    fn parts_are_counted_as_carriers_do() {
        assert_eq!(cost(&"a".repeat(160)), gsm7(160, 1));
        assert_eq!(cost(&"a".repeat(161)), gsm7(161, 2));
        assert_eq!(cost(&"ç".repeat(70)), ucs2(70, 1));
        assert_eq!(cost(&"ç".repeat(71)), ucs2(71, 2));
        assert_eq!(cost(&"€".repeat(80)), gsm7(160, 1));
        assert_eq!(cost(&"€".repeat(81)), gsm7(162, 2));
        let pair_at_the_edge = format!("{}€{}", "a".repeat(152), "b".repeat(10));
        assert_eq!(cost(&pair_at_the_edge), gsm7(164, 2));
        assert_eq!(
            split(&[vec![1; 152], vec![2], vec![1; 153]].concat(), 153),
            3,
            "the pair went to the second part"
        );
        assert_eq!(cost("https://x.example/~a"), gsm7(21, 1));
        assert_eq!(cost("Olá, negociação"), ucs2(15, 1));
        assert_eq!(cost("à é É ò ù ì ñ ü"), gsm7(15, 1));
        assert_eq!(cost("Oi 😀"), ucs2(5, 1));
    }

    #[test]
    fn what_is_plain_is_ascii_and_stays_so() {
        let text = "“Ação”, nº 1 – até já…\u{a0}R$ 5 😀";
        assert_eq!(plain(text), "\"Acao\", no 1 - ate ja... R$ 5 ");
        assert_eq!(plain(&plain(text)), plain(text));
    }
}
