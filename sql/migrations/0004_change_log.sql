-- The change log: which pages a committed transaction changed, whoever made the change.
--
-- Triggers write it in the writer's own transaction, once per statement. A row names a product by its id
-- and not by its slug: who reads the log looks up the slug, and the parent, in the snapshot he reads the log in.
-- Looked up by the writer they could be changed by a transaction that he does not see and that commits first, and
-- the page to which the change belongs in the end would not be named.

CREATE TABLE catalogue_change (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  product_id bigint,
  -- The product's card changed, which the page of its parent shows too.
  card boolean NOT NULL DEFAULT false,
  -- A slug that a product gave up, or * for every page.
  key text COLLATE "C",
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (num_nonnulls(product_id, key) = 1),
  -- Readers and pruning go by xid; the rest keeps a transaction from writing the same row twice.
  UNIQUE NULLS NOT DISTINCT (xid, product_id, card, key)
) WITH (
  -- Rows are inserted, kept for a while and deleted; they never live to be frozen.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_threshold = -1
);
-- Not UNLOGGED: a crash would empty it of changes that were committed and not read yet.
-- Without a replica identity nothing could be pruned in a database that publishes all its tables.
ALTER TABLE catalogue_change REPLICA IDENTITY FULL;

-- Tells apart what else would pass for the same database: another cluster, one that was promoted or recovered
-- to a point in time (its timeline), another database, and tables that were restored in place from a dump.
-- The control file learns of a promotion only at the next checkpoint, hence the name of the current WAL file,
-- which a standby does not have.
CREATE FUNCTION catalogue_history() RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT concat_ws('.',
    (SELECT system_identifier FROM pg_control_system()),
    CASE WHEN pg_is_in_recovery()
      THEN (SELECT lpad(upper(to_hex(greatest(timeline_id, min_recovery_end_timeline))), 8, '0')
        FROM pg_control_checkpoint(), pg_control_recovery())
      ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END,
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'catalogue_change'::regclass::oid)
$$;

-- How far the log was pruned: rows whose transaction is visible in `pruned` may be gone. A reader whose own
-- last snapshot does not include `pruned` has a gap. `next` is what `pruned` will be when it is old enough.
-- Another history than the database's own came with a dump, and says nothing.
CREATE TABLE catalogue_change_horizon (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  history text NOT NULL DEFAULT catalogue_history(),
  pruned pg_snapshot,
  next pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
  next_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO catalogue_change_horizon DEFAULT VALUES;

-- Deletes changes that were visible to everybody at least `retention` ago, at most 10,000 of them, and
-- returns how many. Time counts from a snapshot and not from changed_at, as a transaction may commit long after it
-- changed something. Rows stay for up to two retentions.
CREATE FUNCTION prune_catalogue_change(retention interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  horizon catalogue_change_horizon;
  deleted integer;
BEGIN
  -- Whoever may read may call this, so it must not be able to hurt other readers.
  IF (retention >= interval '1 minute') IS NOT TRUE THEN
    RAISE invalid_parameter_value USING
      MESSAGE = format('The retention must be a minute or more; it is %s.', coalesce(retention::text, 'null'));
  END IF;
  SELECT * INTO STRICT horizon FROM catalogue_change_horizon FOR UPDATE;
  IF horizon.history <> catalogue_history() THEN
    UPDATE catalogue_change_horizon
    SET history = DEFAULT, pruned = NULL, next = DEFAULT, next_at = DEFAULT RETURNING * INTO horizon;
  ELSIF horizon.next_at <= clock_timestamp() - retention THEN
    UPDATE catalogue_change_horizon
    SET pruned = next, next = DEFAULT, next_at = DEFAULT RETURNING * INTO horizon;
  END IF;
  DELETE FROM catalogue_change WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM catalogue_change
    WHERE xid < pg_snapshot_xmax(horizon.pruned) AND pg_visible_in_snapshot(xid, horizon.pruned)
    ORDER BY xid LIMIT 10000));
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN deleted;
END $$;

-- Logs that the pages of these products changed, those where a product's card shows as well, and these keys, or
-- every page when they are many: reading the log must stay a matter of milliseconds. And wakes whoever waits for it. The message says nothing and may be lost: readers ask the log. A transaction that
-- sent one cannot be prepared (PREPARE TRANSACTION), and those that send one commit one after the other,
-- so a client may SET frontshelf.notify = off and leave it to the readers to look.
CREATE FUNCTION log_pages(pages bigint[], cards bigint[] DEFAULT '{}', keys text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  named integer := coalesce(cardinality(pages), 0) + coalesce(cardinality(cards), 0) + cardinality(keys);
BEGIN
  IF named = 0 THEN
    RETURN;
  ELSIF named > 5000 THEN
    INSERT INTO catalogue_change (key) VALUES ('*') ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO catalogue_change (product_id, card, key)
    SELECT page, false, NULL FROM unnest(pages) page
    UNION ALL SELECT card, true, NULL FROM unnest(cards) card
    UNION ALL SELECT NULL, false, key FROM unnest(keys) key
    ON CONFLICT DO NOTHING;
  END IF;
  IF FOUND AND current_setting('frontshelf.notify', true) IS DISTINCT FROM 'off' THEN
    PERFORM pg_notify('frontshelf_catalogue_change', '');
  END IF;
END $$;

-- The trigger functions. Those of an UPDATE have old_rows and new_rows, of which only what differs counts;
-- those of an INSERT or DELETE have changed_rows. They run as the owner, so that any role which may write a table
-- writes the log, and none can write the log alone.

CREATE FUNCTION log_everything() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  changed boolean := true;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    changed := EXISTS (TABLE new_rows EXCEPT TABLE old_rows);
  ELSIF TG_OP <> 'TRUNCATE' THEN
    changed := EXISTS (TABLE changed_rows);
  END IF;
  IF changed THEN
    PERFORM log_pages(NULL, keys => '{*}');
  END IF;
  RETURN NULL;
END $$;

-- A product that is gone, or of another slug, is named by the slug it had; its parent's page shows its card,
-- in the order of popularity_rank.
CREATE FUNCTION log_product() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM log_pages(
      ARRAY(
        SELECT id FROM (
          SELECT id, slug, offer_type, title, short_description, description, release_date, refund_type_code,
            legal_text FROM new_rows
          EXCEPT
          SELECT id, slug, offer_type, title, short_description, description, release_date, refund_type_code,
            legal_text FROM old_rows
        ) page
        UNION
        SELECT parent_id FROM (
          (SELECT parent_id, offer_type, popularity_rank, slug, title, short_description FROM new_rows
          EXCEPT
          SELECT parent_id, offer_type, popularity_rank, slug, title, short_description FROM old_rows)
          UNION ALL
          (SELECT parent_id, offer_type, popularity_rank, slug, title, short_description FROM old_rows
          EXCEPT
          SELECT parent_id, offer_type, popularity_rank, slug, title, short_description FROM new_rows)
        ) card WHERE parent_id IS NOT NULL
      ),
      keys => ARRAY(SELECT slug FROM old_rows EXCEPT SELECT slug FROM new_rows)
    );
  ELSE
    PERFORM log_pages(
      ARRAY(
        SELECT id FROM changed_rows WHERE TG_OP = 'INSERT'
        UNION
        SELECT parent_id FROM changed_rows WHERE parent_id IS NOT NULL
      ),
      keys => ARRAY(SELECT slug FROM changed_rows WHERE TG_OP = 'DELETE')
    );
  END IF;
  RETURN NULL;
END $$;

-- Rows with a product_id. With the argument `card`, cards show them too.
CREATE FUNCTION log_product_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  products bigint[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    products := ARRAY(
      SELECT product_id FROM (TABLE old_rows EXCEPT TABLE new_rows) before
      UNION SELECT product_id FROM (TABLE new_rows EXCEPT TABLE old_rows) after);
  ELSE
    products := ARRAY(SELECT DISTINCT product_id FROM changed_rows);
  END IF;
  IF TG_ARGV[0] = 'card' THEN
    PERFORM log_pages(NULL, cards => products);
  ELSE
    PERFORM log_pages(products);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION log_media() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  pages bigint[];
  cards bigint[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    SELECT array_agg(DISTINCT product_id) FILTER (WHERE role <> 'card'),
      array_agg(DISTINCT product_id) FILTER (WHERE role = 'card') INTO pages, cards
    FROM ((TABLE old_rows EXCEPT TABLE new_rows) UNION ALL (TABLE new_rows EXCEPT TABLE old_rows)) medium;
  ELSE
    SELECT array_agg(DISTINCT product_id) FILTER (WHERE role <> 'card'),
      array_agg(DISTINCT product_id) FILTER (WHERE role = 'card') INTO pages, cards
    FROM changed_rows;
  END IF;
  PERFORM log_pages(pages, cards);
  RETURN NULL;
END $$;

-- Whose medium it is must stay so until the transaction ends, as must a medium's role. Both are in a unique
-- key, so who changes them waits for FOR KEY SHARE, and the other way round.
CREATE FUNCTION log_media_variant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  changed bigint[];
  pages bigint[];
  cards bigint[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    changed := ARRAY(
      SELECT media_id FROM (TABLE old_rows EXCEPT TABLE new_rows) before
      UNION SELECT media_id FROM (TABLE new_rows EXCEPT TABLE old_rows) after);
  ELSE
    changed := ARRAY(SELECT DISTINCT media_id FROM changed_rows);
  END IF;
  SELECT array_agg(DISTINCT product_id) FILTER (WHERE role <> 'card'),
    array_agg(DISTINCT product_id) FILTER (WHERE role = 'card') INTO pages, cards
  FROM (SELECT product_id, role FROM media WHERE id = ANY (changed) FOR KEY SHARE) medium;
  PERFORM log_pages(pages, cards);
  RETURN NULL;
END $$;

-- Rows of names and codes that products refer to; the arguments are their key, the table that refers to it, its
-- column that does, and its column that has the product. A transaction that has just made a product refer to
-- the row holds a lock on it by its foreign key: wait for that, then look with a new snapshot. A transaction that
-- keeps its first snapshot would not see it even so, and names every page.
CREATE FUNCTION log_shared_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  changed text := format(
    CASE TG_OP
      WHEN 'UPDATE' THEN 'SELECT %1$I FROM (TABLE old_rows EXCEPT TABLE new_rows) before
        UNION SELECT %1$I FROM (TABLE new_rows EXCEPT TABLE old_rows) after'
      ELSE 'SELECT %1$I FROM changed_rows' END,
    TG_ARGV[0]);
  any_changed boolean;
  products bigint[];
BEGIN
  EXECUTE format('SELECT EXISTS (%s)', changed) INTO any_changed;
  IF NOT any_changed THEN
    RETURN NULL;
  ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
    PERFORM log_pages(NULL, keys => '{*}');
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT FROM %I WHERE %I IN (%s) FOR UPDATE', TG_TABLE_NAME, TG_ARGV[0], changed);
  EXECUTE format('SELECT array_agg(DISTINCT %I) FROM %I WHERE %I IN (%s)',
    TG_ARGV[3], TG_ARGV[1], TG_ARGV[2], changed) INTO products;
  PERFORM log_pages(products);
  RETURN NULL;
END $$;

-- Gives a table its triggers: CALL log_changes_of('price', 'log_product_rows', 'card'). They fire in replication
-- sessions too (session_replication_role = replica), in which bulk loaders like to work.
CREATE PROCEDURE log_changes_of(watched regclass, logger text, VARIADIC arguments text[] DEFAULT '{}')
LANGUAGE plpgsql AS $$
DECLARE
  call text := format('EXECUTE FUNCTION %I(%s)', logger,
    (SELECT string_agg(quote_literal(argument), ', ') FROM unnest(arguments) argument));
BEGIN
  EXECUTE format('CREATE TRIGGER log_insert AFTER INSERT ON %s
    REFERENCING NEW TABLE AS changed_rows %s', watched, call);
  EXECUTE format('CREATE TRIGGER log_update AFTER UPDATE ON %s
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows %s', watched, call);
  EXECUTE format('CREATE TRIGGER log_delete AFTER DELETE ON %s
    REFERENCING OLD TABLE AS changed_rows %s', watched, call);
  EXECUTE format('CREATE TRIGGER log_truncate AFTER TRUNCATE ON %s EXECUTE FUNCTION log_everything()', watched);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_insert, ENABLE ALWAYS TRIGGER log_update,
    ENABLE ALWAYS TRIGGER log_delete, ENABLE ALWAYS TRIGGER log_truncate', watched);
  IF logger = 'log_shared_rows' THEN
    -- A row that is new or about to go is on no page: foreign keys see to that, except in replication sessions.
    EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER log_insert, ENABLE REPLICA TRIGGER log_delete', watched);
  END IF;
END $$;

CALL log_changes_of('product', 'log_product');
CALL log_changes_of('achievement', 'log_product_rows');
CALL log_changes_of('critic_review', 'log_product_rows');
CALL log_changes_of('poll_result', 'log_product_rows');
CALL log_changes_of('price', 'log_product_rows', 'card');
CALL log_changes_of('product_age_descriptor', 'log_product_rows');
CALL log_changes_of('product_age_rating', 'log_product_rows');
CALL log_changes_of('product_company', 'log_product_rows');
CALL log_changes_of('product_language', 'log_product_rows');
CALL log_changes_of('product_tag', 'log_product_rows');
CALL log_changes_of('rating_summary', 'log_product_rows');
CALL log_changes_of('review', 'log_product_rows');
CALL log_changes_of('social_link', 'log_product_rows');
CALL log_changes_of('system_requirement', 'log_product_rows');
CALL log_changes_of('media', 'log_media');
CALL log_changes_of('media_variant', 'log_media_variant');
CALL log_changes_of('age_descriptor', 'log_shared_rows', 'id', 'product_age_descriptor', 'age_descriptor_id', 'product_id');
CALL log_changes_of('age_rating', 'log_shared_rows', 'id', 'product_age_rating', 'age_rating_id', 'product_id');
CALL log_changes_of('company', 'log_shared_rows', 'id', 'product_company', 'company_id', 'product_id');
CALL log_changes_of('language', 'log_shared_rows', 'code', 'product_language', 'language_code', 'product_id');
CALL log_changes_of('outlet', 'log_shared_rows', 'id', 'critic_review', 'outlet_id', 'product_id');
CALL log_changes_of('poll', 'log_shared_rows', 'id', 'poll_result', 'poll_id', 'product_id');
CALL log_changes_of('refund_type', 'log_shared_rows', 'code', 'product', 'refund_type_code', 'id');
CALL log_changes_of('tag', 'log_shared_rows', 'id', 'product_tag', 'tag_id', 'product_id');
CALL log_changes_of('market', 'log_everything');

REVOKE EXECUTE ON FUNCTION prune_catalogue_change, log_pages, log_everything, log_product, log_product_rows, log_media,
  log_media_variant, log_shared_rows FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE log_changes_of FROM PUBLIC;
GRANT SELECT ON catalogue_change, catalogue_change_horizon TO frontshelf_reader;
GRANT EXECUTE ON FUNCTION prune_catalogue_change TO frontshelf_reader;
