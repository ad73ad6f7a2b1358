//! The grammars that are part of the program, for installations without a folder of their own.

use super::Files;

/// `grammars/*.gram` as they were when the program was built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shipped;

/// Name and text of each shipped grammar.
pub const SHIPPED: [(&str, &str); 18] = [
    (
        "abertura.gram",
        include_str!("../../../grammars/abertura.gram"),
    ),
    (
        "assuntos.gram",
        include_str!("../../../grammars/assuntos.gram"),
    ),
    ("datas.gram", include_str!("../../../grammars/datas.gram")),
    ("dia.gram", include_str!("../../../grammars/dia.gram")),
    ("expoe.gram", include_str!("../../../grammars/expoe.gram")),
    ("fecha.gram", include_str!("../../../grammars/fecha.gram")),
    ("global.gram", include_str!("../../../grammars/global.gram")),
    (
        "identifica.gram",
        include_str!("../../../grammars/identifica.gram"),
    ),
    ("motivo.gram", include_str!("../../../grammars/motivo.gram")),
    (
        "numeros.gram",
        include_str!("../../../grammars/numeros.gram"),
    ),
    ("oferta.gram", include_str!("../../../grammars/oferta.gram")),
    ("pagou.gram", include_str!("../../../grammars/pagou.gram")),
    (
        "parcelas.gram",
        include_str!("../../../grammars/parcelas.gram"),
    ),
    ("quanto.gram", include_str!("../../../grammars/quanto.gram")),
    ("simnao.gram", include_str!("../../../grammars/simnao.gram")),
    (
        "terceiro.gram",
        include_str!("../../../grammars/terceiro.gram"),
    ),
    ("texto.gram", include_str!("../../../grammars/texto.gram")),
    ("hora.gram", include_str!("../../../grammars/hora.gram")),
];

impl Files for Shipped {
    fn read(&self, name: &str) -> Option<String> {
        SHIPPED
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (*text).to_owned())
    }
}
