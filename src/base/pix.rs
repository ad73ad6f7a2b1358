//! Pix codes to copy and paste: the BR Code, EMV merchant-presented mode.

use std::fmt;

use super::{Centavos, Cnpj, Cpf, Phone, transliterate};

/// The name that marks the account template as Pix's.
const GUI: &str = "br.gov.bcb.pix";
/// Longest receiver name, characters.
const NAME_MAX: usize = 25;
/// Longest city, characters.
const CITY_MAX: usize = 15;
/// Longest value of any field: its length has two digits.
const VALUE_MAX: usize = 99;

/// A Pix code, its CRC aside.
#[derive(Clone, PartialEq, Eq)]
pub struct BrCode {
    pub target: Target,
    /// Whether the code says that it pays once only (field 01).
    pub uses: Uses,
    /// `0000` or a merchant category, four digits.
    pub category: String,
    /// In a dynamic code the amount is informative: the payer's application asks the location.
    pub amount: Option<Centavos>,
    pub name: String,
    pub city: String,
    /// CEP, eight digits.
    pub postal_code: Option<String>,
    /// Receiver's identifier; `None` is written `***`: no reconciliation.
    pub txid: Option<String>,
}

/// Where the money goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    Static {
        key: Key,
        info: Option<String>,
    },
    /// Location of the charge, without `https://`.
    Dynamic {
        location: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Uses {
    /// Field 01 absent or `11`.
    Many,
    /// Field 01 is `12`.
    Once,
}

/// A Pix key. Eleven digits are a CPF, never a phone: phones begin with `+`.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    Cpf(Cpf),
    Cnpj(Cnpj),
    Phone(Phone),
    Email(String),
    /// A random key: lower-case UUID.
    Evp(String),
}

/// One thing that is wrong with a Pix code, or that keeps one from being written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PixFault {
    #[error("o tamanho do campo {id} não fecha com o texto")]
    Length { id: String },
    #[error("falta o campo {id}")]
    Missing { id: &'static str },
    #[error("o campo {id} aparece duas vezes")]
    Repeated { id: String },
    #[error("o campo {id} deveria ser o primeiro")]
    NotFirst { id: &'static str },
    #[error("o campo {id} deveria ser o último")]
    NotLast { id: &'static str },
    #[error("o campo {id} tem «{found}»; {expected}")]
    Value {
        id: &'static str,
        found: String,
        expected: &'static str,
    },
    #[error("o CRC é {found}, e deveria ser {expected}: o código foi alterado ou cortado")]
    Crc { found: String, expected: String },
}

impl PixFault {
    /// The id of the field in which it lies.
    pub fn field(&self) -> &str {
        match self {
            Self::Length { id } | Self::Repeated { id } => id,
            Self::Missing { id }
            | Self::NotFirst { id }
            | Self::NotLast { id }
            | Self::Value { id, .. } => id,
            Self::Crc { .. } => "63",
        }
    }
}

/// Reads a code and tells every fault. A right CRC is not enough: the fields have to close and to make sense.
pub fn parse(text: &str) -> Result<BrCode, Vec<PixFault>> {
    let text = text.trim();
    let (fields, mut faults) = split_fields(text, "");
    let whole = faults.is_empty();
    faults.extend(frame_faults(text, &fields, whole));
    let code = read_fields(&fields, whole, &mut faults);
    match code {
        Some(code) if faults.is_empty() => Ok(code),
        _ => Err(faults),
    }
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, initial 0xFFFF, not reflected. `"123456789"` gives 0x29B1.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

impl BrCode {
    /// A code for a key of the receiver. Name and city are put into ASCII and cut to their places.
    pub fn fixed(
        key: Key,
        amount: Option<Centavos>,
        name: &str,
        city: &str,
        txid: Option<&str>,
    ) -> Self {
        Self {
            target: Target::Static { key, info: None },
            uses: Uses::Many,
            category: "0000".to_owned(),
            amount,
            name: cut(name, NAME_MAX),
            city: cut(city, CITY_MAX),
            postal_code: None,
            txid: txid.map(str::to_owned),
        }
    }

    /// A code for a charge that the receiver's bank holds at `location` (written without `https://`).
    pub fn charge(location: &str, uses: Uses, name: &str, city: &str) -> Self {
        let location = location
            .strip_prefix("https://")
            .unwrap_or(location)
            .to_owned();
        Self {
            target: Target::Dynamic { location },
            uses,
            category: "0000".to_owned(),
            amount: None,
            name: cut(name, NAME_MAX),
            city: cut(city, CITY_MAX),
            postal_code: None,
            txid: None,
        }
    }

    /// The text to copy and paste. What would not be read back as it stands is refused.
    pub fn encode(&self) -> Result<String, Vec<PixFault>> {
        let mut text = field("00", "01");
        if self.uses == Uses::Once {
            text += &field("01", "12");
        }
        text += &field("26", &self.account());
        text += &field("52", &self.category);
        text += &field("53", "986");
        if let Some(amount) = self.amount {
            text += &field("54", &format!("{}.{:02}", amount.0 / 100, amount.0 % 100));
        }
        text += &field("58", "BR");
        text += &field("59", &self.name);
        text += &field("60", &self.city);
        if let Some(postal_code) = &self.postal_code {
            text += &field("61", postal_code);
        }
        text += &field("62", &field("05", self.txid.as_deref().unwrap_or("***")));
        text += "6304";
        let crc = crc16(text.as_bytes());
        text += &format!("{crc:04X}");
        parse(&text).map(|_| text)
    }

    fn account(&self) -> String {
        let gui = field("00", GUI);
        match &self.target {
            Target::Static { key, info: None } => gui + &field("01", &key.text()),
            Target::Static {
                key,
                info: Some(info),
            } => gui + &field("01", &key.text()) + &field("02", info),
            Target::Dynamic { location } => gui + &field("25", location),
        }
    }
}

impl Key {
    /// Reads a key in the form in which codes carry it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.len() {
            _ if text.starts_with('+') => {
                let phone = Phone::parse(text).ok()?;
                (phone.e164() == text).then_some(Self::Phone(phone))
            }
            _ if text.contains('@') => is_email(text).then(|| Self::Email(text.to_owned())),
            11 if digits => Cpf::parse(text).ok().map(Self::Cpf),
            14 => Cnpj::parse(text)
                .ok()
                .filter(|cnpj| cnpj.characters() == text)
                .map(Self::Cnpj),
            36 => is_evp(text).then(|| Self::Evp(text.to_owned())),
            _ => None,
        }
    }

    /// The form in which codes carry it.
    pub fn text(&self) -> String {
        match self {
            Self::Cpf(cpf) => cpf.digits(),
            Self::Cnpj(cnpj) => cnpj.characters(),
            Self::Phone(phone) => phone.e164(),
            Self::Email(text) | Self::Evp(text) => text.clone(),
        }
    }

    /// `cpf`, `cnpj`, `phone`, `email` or `evp`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cpf(_) => "cpf",
            Self::Cnpj(_) => "cnpj",
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
            Self::Evp(_) => "evp",
        }
    }
}

/// A key or a location leads to a person.
impl fmt::Debug for BrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.target {
            Target::Static { key, .. } => key.kind(),
            Target::Dynamic { .. } => "location",
        };
        f.debug_struct("BrCode")
            .field("target", &target)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

fn is_email(text: &str) -> bool {
    let (user, domain) = text.split_once('@').unwrap_or_default();
    let fits = text.chars().count() <= 77 && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits && !user.is_empty()
        && domain.contains('.')
        && !domain.contains('@')
        && text == text.to_ascii_lowercase()
}

fn is_evp(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(hex)
}

/// Into ASCII, cut to `max` characters, without a space at the cut.
fn cut(text: &str, max: usize) -> String {
    let plain = transliterate(text.trim());
    plain
        .chars()
        .take(max)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

fn field(id: &str, value: &str) -> String {
    format!("{id}{:02}{value}", value.chars().count())
}

/// One field as it stands in the text.
struct Field {
    id: String,
    value: String,
}

/// Splits fields of two digits of id, two of length and the value. `inside` is the id of the template around them.
fn split_fields(text: &str, inside: &str) -> (Vec<Field>, Vec<PixFault>) {
    let letters: Vec<char> = text.chars().collect();
    let mut fields = Vec::new();
    let mut rest = letters.as_slice();
    while !rest.is_empty() {
        let id: String = rest.iter().take(2).collect();
        let Some((value, after)) = take_value(rest) else {
            let id = if inside.is_empty() {
                id
            } else {
                inside.to_owned()
            };
            return (fields, vec![PixFault::Length { id }]);
        };
        fields.push(Field {
            id,
            value: value.iter().collect(),
        });
        rest = after;
    }
    (fields, Vec::new())
}

fn take_value(rest: &[char]) -> Option<(&[char], &[char])> {
    let (head, after) = rest.split_at_checked(4)?;
    let digits: Option<Vec<u32>> = head.iter().map(|letter| letter.to_digit(10)).collect();
    let digits = digits?;
    after.split_at_checked((digits[2] * 10 + digits[3]) as usize)
}

/// The faults of the whole: order, doubles and the CRC.
fn frame_faults(text: &str, fields: &[Field], whole: bool) -> Vec<PixFault> {
    let mut faults = Vec::new();
    if fields.first().is_some_and(|first| first.id != "00") {
        faults.push(PixFault::NotFirst { id: "00" });
    }
    for (n, field) in fields.iter().enumerate() {
        if fields[..n].iter().any(|earlier| earlier.id == field.id) {
            faults.push(PixFault::Repeated {
                id: field.id.clone(),
            });
        }
    }
    match fields.iter().position(|field| field.id == "63") {
        None if whole => faults.push(PixFault::Missing { id: "63" }),
        None => {}
        Some(at) if at + 1 < fields.len() => faults.push(PixFault::NotLast { id: "63" }),
        Some(at) => faults.extend(crc_fault(text, &fields[at].value)),
    }
    faults
}

fn crc_fault(text: &str, found: &str) -> Option<PixFault> {
    let covered = text.strip_suffix(found)?;
    let expected = format!("{:04X}", crc16(covered.as_bytes()));
    (!found.eq_ignore_ascii_case(&expected)).then(|| PixFault::Crc {
        found: found.to_owned(),
        expected,
    })
}

/// The values; what is missing or wrong is added to `faults`.
fn read_fields(fields: &[Field], whole: bool, faults: &mut Vec<PixFault>) -> Option<BrCode> {
    let mut reader = Reader {
        fields,
        faults,
        whole,
    };
    reader.expect("00", "01", "a versão é 01");
    let uses = reader.uses();
    let target = reader.target();
    let category = reader.required("52");
    reader.expect("53", "986", "o real é 986");
    let amount = reader.amount();
    reader.expect("58", "BR", "o país é BR");
    let name = reader.text("59", NAME_MAX, "o nome tem de 1 a 25 caracteres");
    let city = reader.text("60", CITY_MAX, "a cidade tem de 1 a 15 caracteres");
    let postal_code = reader.optional("61");
    let txid = reader.txid();
    let category =
        category.filter(|text| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()));
    Some(BrCode {
        target: target?,
        uses,
        category: category?,
        amount,
        name: name?,
        city: city?,
        postal_code,
        txid,
    })
}

struct Reader<'a> {
    fields: &'a [Field],
    faults: &'a mut Vec<PixFault>,
    /// Whether the fields closed. A code that was cut would else be told that it lacks all that came after the cut.
    whole: bool,
}

impl Reader<'_> {
    fn optional(&self, id: &str) -> Option<String> {
        self.fields
            .iter()
            .find(|field| field.id == id)
            .map(|field| field.value.clone())
    }

    fn required(&mut self, id: &'static str) -> Option<String> {
        let value = self.optional(id);
        if value.is_none() && self.whole {
            self.faults.push(PixFault::Missing { id });
        }
        value
    }

    fn refuse(&mut self, id: &'static str, found: &str, expected: &'static str) {
        self.faults.push(PixFault::Value {
            id,
            found: found.to_owned(),
            expected,
        });
    }

    fn expect(&mut self, id: &'static str, value: &str, expected: &'static str) {
        match self.required(id) {
            Some(found) if found != value => self.refuse(id, &found, expected),
            _ => {}
        }
    }

    fn text(&mut self, id: &'static str, max: usize, expected: &'static str) -> Option<String> {
        let value = self.required(id)?;
        if value.is_empty() || value.chars().count() > max {
            self.refuse(id, &value, expected);
            return None;
        }
        Some(value)
    }

    fn uses(&mut self) -> Uses {
        match self.optional("01").as_deref() {
            None | Some("11") => Uses::Many,
            Some("12") => Uses::Once,
            Some(found) => {
                self.refuse("01", found, "só existem 11 e 12");
                Uses::Many
            }
        }
    }

    /// `1234.56`: a dot, at most two decimals, no separator of thousands.
    fn amount(&mut self) -> Option<Centavos> {
        let value = self.optional("54")?;
        let amount = read_amount(&value);
        if amount.is_none() {
            self.refuse("54", &value, "um valor se escreve 1234.56");
        }
        amount
    }

    /// Accounts stand in the fields 26 to 51; Pix is the one that says its name.
    fn target(&mut self) -> Option<Target> {
        let accounts = self
            .fields
            .iter()
            .filter(|field| ("26"..="51").contains(&field.id.as_str()));
        let mut templates = accounts.map(|field| split_fields(&field.value, "26"));
        let pix = templates.find(|(inner, faults)| !faults.is_empty() || is_pix(inner));
        let Some((inner, faults)) = pix else {
            if self.whole {
                self.faults.push(PixFault::Missing { id: "26" });
            }
            return None;
        };
        self.faults.extend(faults);
        let part = |id: &str| {
            inner
                .iter()
                .find(|field| field.id == id)
                .map(|field| field.value.clone())
        };
        match (part("01"), part("25")) {
            (Some(text), None) => self.key(&text).map(|key| Target::Static {
                key,
                info: part("02"),
            }),
            (None, Some(location)) if is_location(&location) => Some(Target::Dynamic { location }),
            (None, Some(location)) => {
                self.refuse(
                    "26",
                    &location,
                    "o endereço da cobrança não leva https:// nem espaços",
                );
                None
            }
            (Some(_), Some(location)) => {
                self.refuse(
                    "26",
                    &location,
                    "um código tem chave ou endereço, não os dois",
                );
                None
            }
            (None, None) => {
                self.faults.push(PixFault::Missing { id: "26" });
                None
            }
        }
    }

    fn key(&mut self, text: &str) -> Option<Key> {
        let key = Key::parse(text);
        if key.is_none() {
            self.refuse(
                "26",
                text,
                "a chave não é CPF, CNPJ, telefone, e-mail nem chave aleatória",
            );
        }
        key
    }

    fn txid(&mut self) -> Option<String> {
        let template = self.required("62")?;
        let (inner, faults) = split_fields(&template, "62");
        self.faults.extend(faults);
        let txid = inner
            .into_iter()
            .find(|field| field.id == "05")
            .map(|field| field.value);
        match txid {
            None => {
                if self.faults.is_empty() {
                    self.faults.push(PixFault::Missing { id: "62" });
                }
                None
            }
            Some(text) if text == "***" => None,
            Some(text) if is_txid(&text) => Some(text),
            Some(text) => {
                self.refuse(
                    "62",
                    &text,
                    "o txid tem de 1 a 25 letras e números, ou é ***",
                );
                None
            }
        }
    }
}

fn is_pix(inner: &[Field]) -> bool {
    inner
        .iter()
        .any(|field| field.id == "00" && field.value.eq_ignore_ascii_case(GUI))
}

fn is_location(text: &str) -> bool {
    let bare = !text.contains("://") && text.contains('/') && text.len() <= VALUE_MAX;
    bare && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_txid(text: &str) -> bool {
    (1..=25).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn read_amount(text: &str) -> Option<Centavos> {
    let (reais, cents) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(reais) || !digits(cents) || cents.len() > 2 || text.len() > 13 {
        return None;
    }
    format!("{reais}{cents:0<2}").parse().ok().map(Centavos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VECTORS: &str = include_str!("../../tests/data/pix.txt");

    fn vector(name: &str) -> &'static str {
        let mut lines = VECTORS.lines();
        lines.find(|line| line.starts_with(name)).expect(name);
        lines.next().expect(name)
    }

    #[test]
    fn crc_check_value() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn valid_vectors_are_read_and_written_again() {
        for name in ["PIX-01", "PIX-02", "PIX-03", "PIX-04", "PIX-05", "PIX-06"] {
            let text = vector(name);
            let code = parse(text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            let again = code.encode().expect(name);
            if name == "PIX-06" {
                // A public code, which writes the name of Pix in capitals.
                assert_eq!(parse(&again), Ok(code));
            } else {
                assert_eq!(again, text, "{name}");
            }
        }
        assert_eq!(vector("PIX-05").len(), 172);
    }

    #[test]
    fn codes_are_made_from_values() {
        let cnpj = Key::Cnpj(Cnpj::parse("11.222.333/0001-81").expect("valid"));
        let code = BrCode::fixed(
            cnpj,
            Some(Centavos(123_456)),
            "Credora Exemplo SA",
            "SAO PAULO",
            Some("ACORDO000123"),
        );
        assert_eq!(code.encode().as_deref(), Ok(vector("PIX-02")));
        let phone = Key::Phone(Phone::parse("11987654321").expect("valid"));
        let mut code = BrCode::fixed(
            phone,
            Some(Centavos(8_990)),
            "João da Conceição",
            "São José dos Campos",
            Some("PARC01DE06"),
        );
        if let Target::Static { info, .. } = &mut code.target {
            *info = Some("Parcela 1/6".to_owned());
        }
        assert_eq!(code.encode().as_deref(), Ok(vector("PIX-03")));
        let location = "https://pix.example.com/qr/v2/cobv/9d36b84fc70b478fb95c12729b90ca25";
        let code = BrCode::charge(location, Uses::Once, "Credora Exemplo SA", "SAO PAULO");
        assert_eq!(code.encode().as_deref(), Ok(vector("PIX-05")));
    }

    /// `text` with its CRC made right again.
    fn sealed(text: &str) -> String {
        let covered = format!("{text}6304");
        let crc = crc16(covered.as_bytes());
        format!("{covered}{crc:04X}")
    }

    #[test]
    fn invalid_vectors_tell_where() {
        let good = vector("PIX-02");
        let changed = good.replace("1234.56", "1234.57");
        assert!(matches!(
            parse(&changed).expect_err("CRC")[..],
            [PixFault::Crc { .. }]
        ));
        let cut = &good[..good.len() - 1];
        assert_eq!(
            parse(cut),
            Err(vec![PixFault::Length {
                id: "63".to_owned()
            }])
        );
        let crc_only = "00020126360014BR.GOV.BCB.PIX0114+5511943214321520400005303986540566.665802BR5907EMPRESA6008BRASILIA62080503***6304170E";
        let faults = parse(crc_only).expect_err("the fields do not close");
        assert!(
            faults
                .iter()
                .any(|fault| matches!(fault, PixFault::Length { .. })),
            "{faults:?}"
        );
    }

    #[test]
    fn structure_is_checked_under_a_right_crc() {
        let good = vector("PIX-02").strip_suffix("630444B4").expect("its CRC");
        for (text, fault) in [
            (sealed(&good.replace("5303986", "5303840")), "53"),
            (sealed(&good.replace("5802BR", "5802US")), "58"),
            (sealed(&good.replace("000201", "000202")), "00"),
            (sealed(&format!("{}000201", &good[6..])), "00"),
            (sealed(&good[6..]), "00"),
            (
                sealed(&good.replace("26360014br.gov.bcb.pix011411222333000181", "")),
                "26",
            ),
            (
                sealed(&good.replace("br.gov.bcb.pix", "br.gov.bcb.xip")),
                "26",
            ),
            (
                sealed(&good.replace("011411222333000181", "011411222333000182")),
                "26",
            ),
            (sealed(&good.replace("54071234.56", "54071234,56")), "54"),
            (sealed(&good.replace("5204000053", "53")), "52"),
            (sealed(&good.replace("ACORDO000123", "ACORDO-00123")), "62"),
            (format!("{}5802BR", sealed(good)), "63"),
            (good.to_owned(), "63"),
        ] {
            let faults = parse(&text).expect_err(fault);
            assert!(
                faults.iter().any(|found| found.field() == fault),
                "{fault}: {faults:?}"
            );
        }
    }

    #[test]
    fn lower_case_crc_is_read_and_never_written() {
        let text = vector("PIX-02");
        let lower = text.replace("630444B4", "630444b4");
        assert_eq!(
            parse(&lower).and_then(|code| code.encode()).as_deref(),
            Ok(text)
        );
    }

    #[test]
    fn keys() {
        assert!(matches!(Key::parse("11144477735"), Some(Key::Cpf(_))));
        assert!(matches!(Key::parse("+5511987654321"), Some(Key::Phone(_))));
        assert!(matches!(Key::parse("12ABC34501DE35"), Some(Key::Cnpj(_))));
        assert!(matches!(
            Key::parse("123e4567-e12b-12d1-a456-426655440000"),
            Some(Key::Evp(_))
        ));
        for wrong in [
            "11987654321",
            "Ana@credora.example",
            "a@b@c.d",
            "+5511",
            "12abc34501de35",
            "",
        ] {
            assert!(Key::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_would_not_be_read_is_not_written() {
        let key = Key::Email("cobranca@credora.example".to_owned());
        assert!(
            BrCode::fixed(key.clone(), None, "", "Recife", None)
                .encode()
                .is_err()
        );
        assert!(
            BrCode::fixed(key.clone(), Some(Centavos(-5)), "Credora", "Recife", None)
                .encode()
                .is_err()
        );
        assert!(
            BrCode::fixed(key, None, "Credora", "Recife", Some("com espaço"))
                .encode()
                .is_err()
        );
        let long = format!("pix.example.com/{}", "a".repeat(90));
        assert!(
            BrCode::charge(&long, Uses::Many, "Credora", "Recife")
                .encode()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            amount in prop::option::of(0i64..1_000_000_000),
            name in "[A-Za-zÀ-ü][A-Za-zÀ-ü ]{0,40}",
            city in "[A-Za-zÀ-ü][A-Za-z ]{0,20}",
            txid in prop::option::of("[a-zA-Z0-9]{1,25}"),
        ) {
            let key = Key::Cpf(Cpf::parse("52998224725").expect("valid"));
            let code = BrCode::fixed(key, amount.map(Centavos), &name, &city, txid.as_deref());
            prop_assume!(!code.name.is_empty() && !code.city.is_empty());
            let text = code.encode().expect("in range");
            prop_assert!(text.is_ascii());
            prop_assert_eq!(parse(&text), Ok(code));
        }

        #[test]
        fn any_single_wrong_character_is_found(at in 0usize..172, other in "[0-9a-zA-Z]") {
            let text = vector("PIX-05");
            let mut changed = text.to_owned();
            changed.replace_range(at..=at, &other);
            // The CRC may be written in either case.
            prop_assume!(!changed.eq_ignore_ascii_case(text));
            prop_assert!(parse(&changed).is_err());
        }

        #[test]
        fn nothing_panics(text in ".{0,200}", digits in "[0-9]{0,80}") {
            let _ = (parse(&text), parse(&digits));
        }
    }
}
