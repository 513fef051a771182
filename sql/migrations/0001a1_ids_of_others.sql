-- Ids that rows refer to without a row of their own that describes them.

-- An id that a writer uses for a dataset that is stored under another id. Each desktop hashes its
-- own ids.
CREATE TABLE IF NOT EXISTS stage1_dataset_aliases (
    alias_id   uuid PRIMARY KEY,
    dataset_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A row of which only the id is known, until the row that describes it is written.
CREATE TABLE IF NOT EXISTS stage1_placeholders (
    object     text NOT NULL,
    id         uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    filled_at  timestamptz,
    PRIMARY KEY (object, id)
);

-- What clients of earlier generations have exported of a dataset: the old statements of a spool that
-- runs each night are known by it.
CREATE TABLE IF NOT EXISTS stage1_legacy_exports (
    dataset_id uuid NOT NULL,
    content    uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset_id, content)
);
