-- The tables of the ledger. The same tables stand in ../sqlite; only the type names differ.
-- Instants are microseconds since 1970 UTC, money is centavos, civil dates are AAAA-MM-DD, identities are UUIDs as text.

CREATE TABLE debtors (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    cpf TEXT NOT NULL,
    -- The whole debtor as JSON: contracts, phones, what the creditor allows.
    record TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX debtors_cpf ON debtors (cpf);

CREATE TABLE phones (
    e164 TEXT NOT NULL,
    debtor TEXT NOT NULL REFERENCES debtors (id) ON DELETE CASCADE,
    -- The order in which the creditor listed them, from 0.
    rank BIGINT NOT NULL,
    PRIMARY KEY (e164, debtor)
);
CREATE INDEX phones_debtor ON phones (debtor);

CREATE TABLE contracts (
    number TEXT NOT NULL,
    debtor TEXT NOT NULL REFERENCES debtors (id) ON DELETE CASCADE,
    PRIMARY KEY (number, debtor)
);
CREATE INDEX contracts_debtor ON contracts (debtor);

CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    -- The server that carries the call: after a crash each server closes its own.
    node TEXT NOT NULL,
    wire TEXT NOT NULL,
    direction TEXT NOT NULL,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    debtor TEXT REFERENCES debtors (id) ON DELETE SET NULL,
    script TEXT NOT NULL,
    script_version TEXT NOT NULL,
    input_log TEXT,
    started_at BIGINT NOT NULL,
    rang_at BIGINT,
    answered_at BIGINT,
    spoke_at BIGINT,
    right_party_at BIGINT,
    offered_at BIGINT,
    closed_at BIGINT,
    handoff_at BIGINT,
    human_at BIGINT,
    ended_at BIGINT,
    tabulated_at BIGINT,
    -- Who was reached: nobody, machine, person or right_party. Set when the call ends.
    reached TEXT,
    disposition TEXT,
    secondary TEXT NOT NULL DEFAULT '[]',
    reason TEXT,
    notes TEXT NOT NULL DEFAULT 'null'
);
CREATE INDEX calls_started ON calls (started_at);
CREATE INDEX calls_debtor ON calls (debtor);
CREATE INDEX calls_open ON calls (node) WHERE ended_at IS NULL;

CREATE TABLE turns (
    call TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    n BIGINT NOT NULL,
    who TEXT NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    meaning TEXT,
    confidence DOUBLE PRECISION,
    -- Milliseconds since the call began.
    t0_ms BIGINT NOT NULL,
    t1_ms BIGINT NOT NULL,
    -- End of the caller's speech to first sound of this answer, and its stages as JSON.
    latency_ms BIGINT,
    latency TEXT,
    PRIMARY KEY (call, n)
);

CREATE TABLE agreements (
    id TEXT PRIMARY KEY,
    protocol TEXT NOT NULL UNIQUE,
    day TEXT NOT NULL,
    serial BIGINT NOT NULL,
    call TEXT UNIQUE REFERENCES calls (id),
    debtor TEXT NOT NULL REFERENCES debtors (id),
    kind TEXT NOT NULL,
    total BIGINT NOT NULL,
    discount BIGINT NOT NULL,
    computation TEXT NOT NULL,
    evidence TEXT NOT NULL,
    closed_at BIGINT NOT NULL,
    UNIQUE (day, serial)
);
CREATE INDEX agreements_debtor ON agreements (debtor);

CREATE TABLE instalments (
    agreement TEXT NOT NULL REFERENCES agreements (id),
    n BIGINT NOT NULL,
    due TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (agreement, n)
);

CREATE TABLE instruments (
    agreement TEXT NOT NULL REFERENCES agreements (id),
    -- Position among the agreement's instruments, from 1.
    n BIGINT NOT NULL,
    -- The instalment it pays, from 1.
    instalment BIGINT NOT NULL,
    kind TEXT NOT NULL,
    line TEXT,
    barcode TEXT,
    pix TEXT,
    reference TEXT,
    PRIMARY KEY (agreement, n)
);

CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    call TEXT REFERENCES calls (id),
    agreement TEXT REFERENCES agreements (id),
    debtor TEXT REFERENCES debtors (id),
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    text TEXT NOT NULL,
    -- queued, sending, sent, failed. A row in `sending` whose lease ran out may have been sent: it is looked up first.
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- 1 once an attempt was made of which it is not known whether it reached the provider.
    doubt BIGINT NOT NULL DEFAULT 0,
    owner TEXT,
    created_at BIGINT NOT NULL,
    -- When the first attempt began.
    tried_at BIGINT,
    next_attempt BIGINT NOT NULL,
    sent_at BIGINT,
    provider_id TEXT,
    -- What the network reported afterwards: delivered, undelivered, failed.
    delivery TEXT,
    delivered_at BIGINT,
    error TEXT
);
CREATE INDEX messages_due ON messages (next_attempt) WHERE state IN ('queued', 'sending');
CREATE INDEX messages_call ON messages (call);
CREATE INDEX messages_provider ON messages (provider_id);

CREATE TABLE effects (
    id TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    owner TEXT,
    created_at BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    result TEXT,
    error TEXT
);
CREATE INDEX effects_due ON effects (kind, next_attempt) WHERE state IN ('queued', 'running');

CREATE TABLE recordings (
    call TEXT PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    -- Samples of one channel.
    samples BIGINT NOT NULL,
    -- The moment of the call at which the first sample stands, in milliseconds.
    offset_ms BIGINT NOT NULL,
    sha256 TEXT NOT NULL
);

-- Append only: each row's hash covers the one before. No personal data: names and numbers stand in other tables.
CREATE TABLE audit (
    n BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
);

CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses();
