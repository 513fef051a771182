-- What was replayed of which spool. A spool is known by its content, not by its name: by the hash of its first bytes. Each
-- transaction of a replay moves the mark, so that a replay that was killed goes on where it was, and what was replayed
-- once does not overwrite what was written since.
CREATE TABLE IF NOT EXISTS stage1_replays (
    replay_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bytes         bigint NOT NULL,
    sha256        text NOT NULL,
    lines         bigint NOT NULL,
    statements    bigint NOT NULL DEFAULT 0,
    reported_bytes bigint NOT NULL DEFAULT 0,
    started_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE stage1_replays IS 'How far each spool of pending inserts was replayed.';
COMMENT ON COLUMN stage1_replays.bytes IS 'So many bytes from its beginning are done: each statement is written, or rejected.';
COMMENT ON COLUMN stage1_replays.sha256 IS 'Of these bytes, hexadecimal.';
COMMENT ON COLUMN stage1_replays.lines IS 'Line on which the rest begins, from 1.';
COMMENT ON COLUMN stage1_replays.statements IS 'Statements that were written.';
COMMENT ON COLUMN stage1_replays.reported_bytes IS 'Rejections before this byte stand in the file of rejected statements.';

CREATE TABLE IF NOT EXISTS stage1_replay_rejections (
    replay_id          bigint NOT NULL,
    first_byte         bigint NOT NULL,
    end_byte           bigint NOT NULL,
    line               bigint NOT NULL,
    statements         bigint NOT NULL,
    object             text,
    reason             text NOT NULL,
    superseded_by_line bigint,
    PRIMARY KEY (replay_id, first_byte),
    CONSTRAINT stage1_replay_rejections_replay_fk
        FOREIGN KEY (replay_id) REFERENCES stage1_replays (replay_id)
);

COMMENT ON TABLE stage1_replay_rejections IS 'Stretches of a spool that were not written, and why.';
COMMENT ON COLUMN stage1_replay_rejections.object IS 'The dataset, run or simulation that the stretch belongs to, with its id.';
COMMENT ON COLUMN stage1_replay_rejections.superseded_by_line IS 'Where a later export of the object begins, which was written.';
