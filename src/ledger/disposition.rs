//! How a call ended, in the trade's codes (tabulação).

use serde::{Deserialize, Serialize};

/// How far a disposition code got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// No person was reached.
    NoContact,
    /// A person, but not the right party.
    Contact,
    /// The right party.
    RightParty,
    /// A fault or a rule of ours.
    System,
}

/// Who was reached in a call. The sets of the day's figures are made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    Nobody,
    /// Voicemail, fax, an announcement, a telephone's screening assistant.
    Machine,
    /// A human being: ALÔ.
    Person,
    /// The right party, confirmed: CPC.
    RightParty,
}

/// A code, and what it means to a Brazilian supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tabulation {
    pub code: &'static str,
    pub level: Level,
    pub label: &'static str,
}

/// The entry of a code. An unknown code has none and is shown as it stands.
pub fn tabulation(code: &str) -> Option<&'static Tabulation> {
    CODES.iter().find(|entry| entry.code == code)
}

/// Who was reached, from how the call ended and what is known to have happened.
pub(super) fn reached(code: &str, happened: Happened) -> Reached {
    let level = tabulation(code).map(|entry| entry.level);
    if happened.right_party {
        Reached::RightParty
    } else if !happened.answered {
        Reached::Nobody
    } else if [
        "CAIXA_POSTAL",
        "FORA_DE_AREA",
        "FAX_MODEM",
        "TRIAGEM_APARELHO",
    ]
    .contains(&code)
    {
        Reached::Machine
    } else if happened.spoke || code == "DESLIGOU_CURTO" || level == Some(Level::Contact) {
        Reached::Person
    } else {
        Reached::Nobody
    }
}

/// What is known to have happened in a call.
#[derive(Clone, Copy, Default)]
pub(super) struct Happened {
    pub answered: bool,
    pub spoke: bool,
    pub right_party: bool,
}

macro_rules! codes {
    ($($level:ident: $($code:literal $label:literal,)*;)*) => {
        &[$($(Tabulation { code: $code, level: Level::$level, label: $label },)*)*]
    };
}

const CODES: &[Tabulation] = codes! {
    NoContact:
        "NAO_ATENDE" "Não atende",
        "OCUPADO" "Ocupado",
        "CAIXA_POSTAL" "Caixa postal",
        "FORA_DE_AREA" "Fora de área",
        "NUM_INEXISTENTE" "Número inexistente",
        "REJEITADA" "Chamada rejeitada",
        "FAX_MODEM" "Fax ou modem",
        "TRIAGEM_APARELHO" "Triagem do aparelho",
        "ATENDIDA_MUDA" "Atendida, muda",
        "DESLIGOU_CURTO" "Desligou em até 6 s",
    ;
    System:
        "FALHA_REDE" "Falha de rede",
        "BLOQUEIO_OPERADORA" "Bloqueio da operadora",
        "ERRO_TECNICO" "Erro técnico",
        "ABANDONO" "Abandono",
        "BLOQ_JANELA" "Fora do horário permitido",
        "BLOQ_LIMITE" "Limite de tentativas",
        "BLOQ_OPTOUT" "Pediu para não receber",
        "BLOQ_PRESCRITA" "Dívida prescrita",
        "BLOQ_PAGO" "Já pago",
    ;
    Contact:
        "ENGANO" "Engano",
        "TERCEIRO_RECADO" "Terceiro, deixou recado",
        "TERCEIRO_SEM_RECADO" "Terceiro, sem recado",
        "TERCEIRO_NOVO_TELEFONE" "Terceiro deu outro número",
        "TITULAR_AUSENTE" "Titular ausente",
        "MENOR" "Menor de idade",
        "FALECIDO" "Falecimento informado",
        "NAO_IDENTIFICADO" "Não se identificou",
        "ID_FALHOU" "Identificação falhou",
        "DESLIGOU_ANTES_ID" "Desligou antes de se identificar",
        "LIGAR_DEPOIS" "Ligar depois",
        "DESCONFIA_GOLPE" "Desconfia de golpe",
        "OPTOUT_TERCEIRO" "Terceiro pediu para não ligar",
    ;
    RightParty:
        "ACORDO_AVISTA" "Acordo à vista",
        "ACORDO_PARCELADO" "Acordo parcelado",
        "PROMESSA" "Promessa de pagamento",
        "INTENCAO" "Intenção, sem data",
        "SEGUNDA_VIA" "Segunda via",
        "ALEGA_PAGAMENTO" "Alega pagamento",
        "JA_NEGOCIADO" "Já negociado",
        "CALLBACK" "Retorno agendado",
        "CONTRAPROPOSTA" "Contraproposta",
        "RECUSA" "Recusa",
        "SEM_CONDICOES" "Sem condições",
        "DESEMPREGO" "Desemprego",
        "DOENCA_LUTO" "Doença ou luto",
        "SUPERENDIVIDAMENTO" "Superendividamento",
        "CONTESTA" "Contesta a dívida",
        "SUSPEITA_FRAUDE" "Suspeita de fraude",
        "PRESCRICAO_ALEGADA" "Alega prescrição",
        "JURIDICO" "Jurídico",
        "OPTOUT_TITULAR" "Titular pediu para não ligar",
        "PREFERE_CANAL" "Prefere outro canal",
        "DESLIGOU_APOS_ID" "Desligou após identificação",
        "DESLIGOU_APOS_OFERTA" "Desligou após a oferta",
    ;
    // These happen before the check as well; only the moment of the check makes them right-party contacts.
    Contact:
        "PEDIU_HUMANO" "Pediu atendente",
        "PEDIDO_LGPD" "Pedido LGPD",
        "ABUSIVO" "Ofensas",
        "RISCO_VIDA" "Risco de vida",
        "NAO_ENTENDIDO" "Não entendido",
        "SILENCIO" "Silêncio",
    ;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once() {
        let mut codes: Vec<_> = CODES.iter().map(|entry| entry.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn who_was_reached_follows_what_happened() {
        let answered = Happened {
            answered: true,
            ..Happened::default()
        };
        let spoke = Happened {
            spoke: true,
            ..answered
        };
        assert_eq!(reached("CAIXA_POSTAL", spoke), Reached::Machine);
        assert_eq!(reached("DESLIGOU_CURTO", answered), Reached::Person);
        assert_eq!(reached("ATENDIDA_MUDA", answered), Reached::Nobody);
        assert_eq!(reached("PEDIU_HUMANO", spoke), Reached::Person);
        assert_eq!(
            reached(
                "PEDIU_HUMANO",
                Happened {
                    right_party: true,
                    ..spoke
                }
            ),
            Reached::RightParty
        );
        assert_eq!(reached("NAO_ATENDE", Happened::default()), Reached::Nobody);
    }
}
