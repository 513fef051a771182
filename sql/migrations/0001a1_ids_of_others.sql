-- What is known of ids that rows name, and that no row of their own describes.

-- An id by which a writer knows a dataset that is stored under another one. Ids are hashed by each
-- desktop in its own way.
CREATE TABLE IF NOT EXISTS stage1_dataset_aliases (
    alias_id   uuid PRIMARY KEY,
    dataset_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A row that stands for an object of which only the id is known, until the row that describes it
-- comes.
CREATE TABLE IF NOT EXISTS stage1_placeholders (
    object     text NOT NULL,
    id         uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    filled_at  timestamptz,
    PRIMARY KEY (object, id)
);
