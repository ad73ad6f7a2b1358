//! Text messages through Twilio's REST API, version 2010-04-01.
//!
//! The API has no idempotency key. An attempt whose answer was lost is therefore looked up in the list of messages to
//! that number before it is repeated, and recognised by its text and age. The list is not narrowed by `DateSent`: a
//! message that Twilio still holds in its queue has no such date, and would not be found.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use serde::Deserialize;

use super::{Answer, Found, Letter, Sender, install_tls};
use crate::ledger::Delivery;

/// Pages of a hundred that a look-up reads at most; no debtor gets a thousand messages.
const PAGES: usize = 10;
/// Clocks differ; a message that the provider dates this much before our first attempt can still be ours.
const SKEW: Duration = Duration::from_secs(120);

/// An account, and who the messages come from.
#[derive(Clone)]
pub struct TwilioConfig {
    pub account_sid: String,
    pub auth_token: String,
    pub from: From,
    /// Where the provider reports deliveries.
    pub status_callback: Option<String>,
    /// `https://api.twilio.com`, another one in tests.
    pub base_url: String,
    /// The longest wait for an answer.
    pub timeout: Duration,
}

/// Shows no secret.
impl std::fmt::Debug for TwilioConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TwilioConfig")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Who a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A number or short code.
    Number(String),
    /// A messaging service, which chooses the number.
    Service(String),
}

impl TwilioConfig {
    pub fn new(account_sid: &str, auth_token: &str, from: From) -> Self {
        Self {
            account_sid: account_sid.to_owned(),
            auth_token: auth_token.to_owned(),
            from,
            status_callback: None,
            base_url: "https://api.twilio.com".to_owned(),
            timeout: Duration::from_secs(15),
        }
    }
}

/// Why no sender could be made.
#[derive(Debug, thiserror::Error)]
#[error("preparing the HTTP client for Twilio")]
pub struct ClientError(#[from] reqwest::Error);

/// Sends text messages through Twilio.
pub struct TwilioSender {
    config: TwilioConfig,
    http: reqwest::Client,
}

impl TwilioSender {
    pub fn new(config: TwilioConfig) -> Result<Self, ClientError> {
        install_tls();
        // Redirects would carry the credentials to another host.
        let http = reqwest::Client::builder()
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("combinado/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { config, http })
    }

    fn list_url(&self) -> String {
        let base = self.config.base_url.trim_end_matches('/');
        format!(
            "{base}/2010-04-01/Accounts/{}/Messages.json",
            self.config.account_sid
        )
    }

    async fn post(&self, letter: &Letter) -> Answer {
        let mut form = vec![("To", letter.to.as_str()), ("Body", letter.text.as_str())];
        form.push(match &self.config.from {
            From::Number(number) => ("From", number),
            From::Service(service) => ("MessagingServiceSid", service),
        });
        form.extend(
            self.config
                .status_callback
                .as_deref()
                .map(|url| ("StatusCallback", url)),
        );
        let request = self.http.post(self.list_url()).form(&form);
        let answer = request
            .basic_auth(&self.config.account_sid, Some(&self.config.auth_token))
            .send()
            .await;
        match answer {
            Ok(answer) => read_answer(answer).await,
            // Nothing was said to anyone: the connection itself failed.
            Err(error) if error.is_connect() => Answer::Later {
                error: "connect".to_owned(),
                after: None,
            },
            Err(error) if error.is_builder() => Answer::Never {
                error: "request".to_owned(),
            },
            Err(error) => Answer::Unknown {
                error: name_of(&error).to_owned(),
            },
        }
    }

    async fn look_up(&self, letter: &Letter) -> Result<Option<String>, String> {
        let earliest = letter.tried_at.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
        let query = [("To", letter.to.as_str()), ("PageSize", "100")];
        let url = reqwest::Url::parse_with_params(&self.list_url(), query)
            .map_err(|_| "base_url".to_owned())?;
        let mut request = self.http.get(url);
        for _ in 0..PAGES {
            let page = self.page(request).await?;
            if let Some(found) = page
                .messages
                .iter()
                .find(|message| message.is(letter, earliest))
            {
                return Ok(Some(found.sid.clone()));
            }
            let Some(next) = page.next_page_uri.filter(|uri| uri.starts_with('/')) else {
                return Ok(None);
            };
            request = self.http.get(format!(
                "{}{next}",
                self.config.base_url.trim_end_matches('/')
            ));
        }
        // There are more; "not there" would be a guess.
        Err("too_many".to_owned())
    }

    async fn page(&self, request: reqwest::RequestBuilder) -> Result<Page, String> {
        let request = request.basic_auth(&self.config.account_sid, Some(&self.config.auth_token));
        let answer = request
            .send()
            .await
            .map_err(|error| name_of(&error).to_owned())?;
        if !answer.status().is_success() {
            return Err(format!("http_{}", answer.status().as_u16()));
        }
        answer.json().await.map_err(|_| "unreadable".to_owned())
    }
}

impl Sender for TwilioSender {
    fn channel(&self) -> &'static str {
        "sms"
    }

    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Answer> {
        self.post(letter).boxed()
    }

    fn find<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Found> {
        let found = self.look_up(letter).map(|found| match found {
            Ok(Some(provider_id)) => Found::There { provider_id },
            Ok(None) => Found::Nothing,
            Err(error) => Found::Unavailable { error },
        });
        found.boxed()
    }
}

/// What a status callback (`MessageStatus`) says of a delivery; none while the message is still on its way.
pub fn delivery_of(status: &str) -> Option<Delivery> {
    match status {
        "delivered" | "read" => Some(Delivery::Delivered),
        "undelivered" => Some(Delivery::Undelivered),
        "failed" | "canceled" => Some(Delivery::Failed),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    /// Twilio's number of the error, as 21211.
    code: Option<u32>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Listed>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    sid: String,
    body: String,
    to: String,
    /// RFC 2822.
    date_created: Option<String>,
    direction: Option<String>,
}

impl Listed {
    /// Whether this is the letter that was perhaps sent since `earliest`.
    fn is(&self, letter: &Letter, earliest: Timestamp) -> bool {
        let created = self
            .date_created
            .as_deref()
            .and_then(|date| rfc2822::parse(date).ok());
        // Without a date it may be ours: better to look once too seldom at the postbox than to send twice.
        let recent = created.is_none_or(|created| created.timestamp() >= earliest);
        let ours = self
            .direction
            .as_deref()
            .is_none_or(|direction| direction.starts_with("outbound"));
        let same = self.to == letter.to && self.body.trim_end() == letter.text.trim_end();
        same && recent && ours && !letter.twins.contains(&self.sid)
    }
}

async fn read_answer(answer: reqwest::Response) -> Answer {
    let (status, after) = (answer.status(), retry_after(&answer));
    if status.is_success() {
        return match answer.json::<Created>().await {
            Ok(created) => Answer::Taken {
                provider_id: created.sid,
            },
            Err(_) => Answer::Unknown {
                error: "unreadable".to_owned(),
            },
        };
    }
    let code = answer
        .json::<Refused>()
        .await
        .ok()
        .and_then(|refused| refused.code);
    refusal(status, code, after)
}

/// What a refusal means. 429 (code 20429) promises that nothing was done; a 5xx promises nothing.
fn refusal(status: StatusCode, code: Option<u32>, after: Option<Duration>) -> Answer {
    let error = code.map_or_else(
        || format!("http_{}", status.as_u16()),
        |code| format!("twilio_{code}"),
    );
    match (status.as_u16(), code) {
        // 21611: the queue of this sender is full. 14107 and 63017: rate limits of a messaging service.
        (429, _) | (_, Some(20_429 | 21_611 | 14_107 | 63_017)) => Answer::Later { error, after },
        // Bad credentials or a suspended account (20003, 20005): the letter is fine, the operator has to act.
        (401 | 403, _) => Answer::Later {
            error,
            after: Some(Duration::from_secs(300)),
        },
        (408 | 500.., _) => Answer::Unknown { error },
        // 21211 no such number, 21610 opted out, 21408 region, 21614 not a mobile, and whatever else is our request's.
        _ => Answer::Never { error },
    }
}

/// `Retry-After` in seconds, no more than an hour.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds: u64 = answer
        .headers()
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(3_600)))
}

/// A name for a failed request. The error's own text holds the URL.
fn name_of(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_decode() {
        "unreadable"
    } else {
        "connection_lost"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let never = |code| Answer::Never {
            error: format!("twilio_{code}"),
        };
        assert_eq!(
            refusal(StatusCode::BAD_REQUEST, Some(21_211), None),
            never(21_211)
        );
        assert_eq!(
            refusal(StatusCode::BAD_REQUEST, Some(21_610), None),
            never(21_610)
        );
        let busy = refusal(StatusCode::TOO_MANY_REQUESTS, Some(20_429), None);
        assert_eq!(
            busy,
            Answer::Later {
                error: "twilio_20429".to_owned(),
                after: None
            }
        );
        let broken = refusal(StatusCode::BAD_GATEWAY, None, None);
        assert_eq!(
            broken,
            Answer::Unknown {
                error: "http_502".to_owned()
            }
        );
    }
}
