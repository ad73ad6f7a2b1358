//! How a call may be filed by a script, which code stands when several apply, and what follows each.

/// What happens after a call that was filed under a code. All waits are defaults of the trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    pub code: &'static str,
    /// Calendar days until anything is tried again; `None` when nothing is.
    pub days: Option<u16>,
    pub step: Step,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The same by voice, in another period of the day.
    Call,
    /// At the hour that was agreed.
    CallAt,
    /// Another channel.
    Write,
    /// The instrument was sent: remind before, and look after.
    Follow,
    /// Everything rests until somebody has looked.
    Hold,
    /// A person takes over.
    Person,
    /// This telephone is never called again for this debtor.
    DropPhone,
    /// No call to this debtor any more.
    Stop,
}

/// Codes by precedence: of several the first in this list stands.
const CODES: &[Next] = &[
    next("RISCO_VIDA", None, Step::Stop),
    next("FALECIDO", None, Step::Stop),
    next("OPTOUT_TITULAR", None, Step::Stop),
    next("OPTOUT_TERCEIRO", None, Step::DropPhone),
    next("JURIDICO", None, Step::Stop),
    next("SUSPEITA_FRAUDE", None, Step::Hold),
    next("CONTESTA", Some(7), Step::Hold),
    next("PRESCRICAO_ALEGADA", None, Step::Hold),
    next("ALEGA_PAGAMENTO", Some(5), Step::Hold),
    next("JA_NEGOCIADO", Some(3), Step::Person),
    next("ACORDO_AVISTA", Some(1), Step::Follow),
    next("ACORDO_PARCELADO", Some(1), Step::Follow),
    next("PROMESSA", Some(1), Step::Follow),
    next("SEGUNDA_VIA", Some(3), Step::Follow),
    next("CALLBACK", Some(0), Step::CallAt),
    next("SUPERENDIVIDAMENTO", None, Step::Person),
    next("DOENCA_LUTO", Some(30), Step::Person),
    next("DESEMPREGO", Some(30), Step::Person),
    next("SEM_CONDICOES", Some(15), Step::Call),
    next("CONTRAPROPOSTA", Some(5), Step::Person),
    next("RECUSA", Some(10), Step::Write),
    next("INTENCAO", Some(3), Step::Write),
    next("PREFERE_CANAL", Some(0), Step::Write),
    next("ABUSIVO", Some(5), Step::Person),
    next("PEDIU_HUMANO", Some(0), Step::Person),
    next("PEDIDO_LGPD", Some(7), Step::Person),
    next("ENGANO", None, Step::DropPhone),
    next("MENOR", Some(1), Step::Call),
    next("TERCEIRO_NOVO_TELEFONE", Some(0), Step::Call),
    next("TERCEIRO_RECADO", Some(1), Step::Call),
    next("TITULAR_AUSENTE", Some(0), Step::CallAt),
    next("TERCEIRO_SEM_RECADO", Some(2), Step::Call),
    next("ID_FALHOU", None, Step::Person),
    next("DESCONFIA_GOLPE", Some(3), Step::Write),
    next("NAO_IDENTIFICADO", Some(3), Step::Write),
    next("LIGAR_DEPOIS", Some(0), Step::CallAt),
    next("BLOQ_PRESCRITA", None, Step::Stop),
    next("ERRO_TECNICO", Some(0), Step::Call),
    next("DESLIGOU_APOS_OFERTA", Some(2), Step::Write),
    next("DESLIGOU_APOS_ID", Some(2), Step::Write),
    next("DESLIGOU_ANTES_ID", Some(1), Step::Call),
    next("NAO_ENTENDIDO", Some(0), Step::Person),
    next("SILENCIO", Some(1), Step::Call),
];

const fn next(code: &'static str, days: Option<u16>, step: Step) -> Next {
    Next { code, days, step }
}

/// Every code that a script may file a call under.
pub fn codes() -> impl Iterator<Item = &'static str> {
    CODES.iter().map(|next| next.code)
}

/// The place of a code in the order of precedence; unknown codes come last.
pub fn rank(code: &str) -> usize {
    CODES
        .iter()
        .position(|known| known.code == code)
        .unwrap_or(CODES.len())
}

/// What follows a call that was filed under `code`.
pub fn follow_up(code: &str) -> Option<&'static Next> {
    CODES.iter().find(|next| next.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_codes_is_that_of_the_trade() {
        let order = [
            "RISCO_VIDA",
            "FALECIDO",
            "OPTOUT_TITULAR",
            "JURIDICO",
            "CONTESTA",
            "ALEGA_PAGAMENTO",
            "ACORDO_AVISTA",
            "PROMESSA",
            "CALLBACK",
            "SEM_CONDICOES",
            "RECUSA",
            "PEDIU_HUMANO",
            "DESLIGOU_APOS_OFERTA",
            "NAO_ENTENDIDO",
        ];
        assert!(order.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])));
        assert!(rank("INVENTADO") > rank("SILENCIO"));
    }

    #[test]
    fn what_stops_has_no_day() {
        for code in ["RISCO_VIDA", "FALECIDO", "OPTOUT_TITULAR", "JURIDICO"] {
            assert_eq!(follow_up(code).map(|next| next.days), Some(None), "{code}");
        }
        assert_eq!(
            follow_up("SEM_CONDICOES").and_then(|next| next.days),
            Some(15)
        );
    }
}
