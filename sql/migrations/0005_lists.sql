-- What lists and searches go through: one narrow row for each game, in listed_game, with all that lists are
-- filtered and sorted by, and one in game_text with the words it is found by. Both are derived, from the views
-- that bear their names, and kept up to date by triggers in the writer's own transaction.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Its place is taken by listed_game_popularity.
DROP INDEX product_list;

-- The market whose prices lists are filtered and sorted by.
CREATE FUNCTION list_market() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 'US';

-- A text without case, accents and apostrophes. Lower-cased last, as the C locale knows no other letters than ASCII's.
CREATE FUNCTION unaccented(source text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(translate(
  regexp_replace(normalize(source, NFD), '[\u0027\u2018\u2019\u0300-\u036f]+', '', 'g'),
  'ØøŁłĐđ', 'OoLlDd'));

-- The words of a text as they are compared, so that "Café™" is cafe. Longer ones than 60 characters are cut.
CREATE FUNCTION search_words(source text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(left(word, 60) ORDER BY place), '{}')
  FROM string_to_table(
    regexp_replace(
      unaccented(source),
      '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u2bff\u3000-\u303f\ufe30-\ufe4f\uff00-\uff0f\uff1a-\uff20]+',
      ' ', 'g'),
    ' ') WITH ORDINALITY AS words (word, place)
  WHERE word <> ''
$$;

CREATE TABLE listed_game (
  product_id bigint PRIMARY KEY REFERENCES product ON UPDATE CASCADE ON DELETE CASCADE,
  popularity_rank bigint NOT NULL,
  -- Days since 1970.
  release_day integer,
  -- Hundredths of a star.
  rating smallint,
  -- What it costs now.
  price_minor integer,
  -- The words of the title, at most 60 characters of them.
  title_key text COLLATE "C" NOT NULL,
  title_words tsvector NOT NULL,
  -- What it is filtered by, each as one number: 4 × the id of a tag, of a developer + 1, of a publisher + 2; 3 when
  -- it is on sale.
  terms bigint[] NOT NULL
);

CREATE TABLE game_text (
  product_id bigint PRIMARY KEY REFERENCES product ON UPDATE CASCADE ON DELETE CASCADE,
  -- The words of the title and of companies as they are, those of the descriptions by their stems.
  words tsvector NOT NULL
);

-- Every word that has ever been in a game's title or a company's name: what a mistyped word may have been meant to
-- be. Words stay when nothing has them any more; then they find nothing.
CREATE TABLE search_word (
  word text COLLATE "C" PRIMARY KEY
);

CREATE VIEW listed_game_source AS
SELECT p.id AS product_id,
  p.popularity_rank,
  CASE WHEN isfinite(p.release_date) THEN p.release_date - date '1970-01-01' END AS release_day,
  (SELECT (r.average * 100)::smallint FROM rating_summary r WHERE r.product_id = p.id) AS rating,
  (SELECT coalesce(pr.sale_minor, pr.list_minor) FROM price pr
    WHERE pr.product_id = p.id AND pr.market_code = list_market()) AS price_minor,
  left(array_to_string(search_words(p.title), ' '), 60) COLLATE "C" AS title_key,
  array_to_tsvector(search_words(p.title)) AS title_words,
  ARRAY(
    SELECT pt.tag_id * 4 FROM product_tag pt WHERE pt.product_id = p.id
    UNION ALL
    SELECT pc.company_id * 4 + CASE pc.role WHEN 'developer' THEN 1 ELSE 2 END
    FROM product_company pc WHERE pc.product_id = p.id
    UNION ALL
    SELECT 3 FROM price pr
    WHERE pr.product_id = p.id AND pr.market_code = list_market() AND pr.sale_minor IS NOT NULL
    ORDER BY 1
  ) AS terms
FROM product p WHERE p.parent_id IS NULL;

-- Descriptions are cut where a tsvector could become too large to be stored.
CREATE VIEW game_text_source AS
SELECT p.id AS product_id,
  array_to_tsvector(search_words(p.title || ' ' || coalesce(
    (SELECT string_agg(c.name, ' ') FROM product_company pc JOIN company c ON c.id = pc.company_id
      WHERE pc.product_id = p.id), '')))
  || strip(to_tsvector('english', unaccented(left(p.short_description || ' ' || p.description, 50000)))) AS words
FROM product p WHERE p.parent_id IS NULL;

CREATE VIEW search_word_source AS
SELECT unnest(search_words(title)) AS word FROM product WHERE parent_id IS NULL
UNION SELECT unnest(search_words(name)) FROM company;

INSERT INTO listed_game TABLE listed_game_source;
INSERT INTO game_text TABLE game_text_source;
INSERT INTO search_word TABLE search_word_source;

-- One for each order of a list: ascending, the most popular first among equals, what has no value last.
CREATE INDEX listed_game_popularity ON listed_game (popularity_rank);
CREATE INDEX listed_game_newest ON listed_game (coalesce(-release_day, 2147483647), popularity_rank);
CREATE INDEX listed_game_oldest ON listed_game (coalesce(release_day, 2147483647), popularity_rank);
CREATE INDEX listed_game_best ON listed_game (coalesce(-rating, 1), popularity_rank);
CREATE INDEX listed_game_cheapest ON listed_game (coalesce(price_minor, 2147483647), popularity_rank);
CREATE INDEX listed_game_dearest ON listed_game (coalesce(-price_minor, 1), popularity_rank);
CREATE INDEX listed_game_title ON listed_game (title_key, popularity_rank);
-- What is written is found at once: a list of what is pending would have to be read by every search.
CREATE INDEX listed_game_terms ON listed_game USING gin (terms) WITH (fastupdate = off);
CREATE INDEX listed_game_title_words ON listed_game USING gin (title_words) WITH (fastupdate = off);
CREATE INDEX game_text_words ON game_text USING gin (words) WITH (fastupdate = off);
CREATE INDEX search_word_trigrams ON search_word USING gin (word gin_trgm_ops);
ANALYZE listed_game, game_text, search_word;

-- The words that share trigrams with this one, the most similar first. Two exchanged letters leave little in common.
CREATE FUNCTION similar_words(mistyped text) RETURNS text[]
LANGUAGE sql STABLE STRICT SET search_path = public, pg_temp SET pg_trgm.similarity_threshold = 0.15 AS $$
  SELECT ARRAY(
    SELECT word FROM (SELECT word FROM search_word WHERE word % mistyped LIMIT 5000) near
    ORDER BY similarity(word, mistyped) DESC, word LIMIT 20)
$$;

-- Makes the rows of these products anew. The lock waits for others who are changing the same products, so that the
-- statements after it see what they did; otherwise the last to commit would undo the others' work. Planning for the one
-- product would cost more than the rest.
CREATE FUNCTION refresh_listed_games(products bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF coalesce(cardinality(products), 0) = 0 THEN
    RETURN;
  END IF;
  PERFORM FROM product WHERE id = ANY (products) ORDER BY id FOR NO KEY UPDATE;
  INSERT INTO listed_game AS held SELECT * FROM listed_game_source WHERE product_id = ANY (products)
  ON CONFLICT (product_id) DO UPDATE SET (popularity_rank, release_day, rating, price_minor, title_key, title_words, terms)
    = (EXCLUDED.popularity_rank, EXCLUDED.release_day, EXCLUDED.rating, EXCLUDED.price_minor, EXCLUDED.title_key,
      EXCLUDED.title_words, EXCLUDED.terms)
  WHERE held IS DISTINCT FROM EXCLUDED;
  DELETE FROM listed_game l WHERE product_id = ANY (products)
    AND NOT EXISTS (SELECT FROM product p WHERE p.id = l.product_id AND p.parent_id IS NULL);
END $$;

CREATE FUNCTION refresh_game_texts(products bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF coalesce(cardinality(products), 0) = 0 THEN
    RETURN;
  END IF;
  PERFORM FROM product WHERE id = ANY (products) ORDER BY id FOR NO KEY UPDATE;
  INSERT INTO game_text AS held SELECT * FROM game_text_source WHERE product_id = ANY (products)
  ON CONFLICT (product_id) DO UPDATE SET words = EXCLUDED.words WHERE held.words <> EXCLUDED.words;
  DELETE FROM game_text t WHERE product_id = ANY (products)
    AND NOT EXISTS (SELECT FROM product p WHERE p.id = t.product_id AND p.parent_id IS NULL);
END $$;

CREATE FUNCTION learn_words(texts text[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  INSERT INTO search_word
  SELECT DISTINCT used.word FROM unnest(texts) source, unnest(search_words(source)) used (word)
  WHERE NOT EXISTS (SELECT FROM search_word known WHERE known.word = used.word)
  ORDER BY used.word ON CONFLICT DO NOTHING
$$;

-- The trigger functions: as those of the change log, they run as the owner, once per statement, and look only at what differs.

CREATE FUNCTION list_product() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM refresh_listed_games(ARRAY(SELECT id FROM (
      (SELECT id, parent_id, popularity_rank, title, release_date FROM old_rows
      EXCEPT SELECT id, parent_id, popularity_rank, title, release_date FROM new_rows)
      UNION ALL
      (SELECT id, parent_id, popularity_rank, title, release_date FROM new_rows
      EXCEPT SELECT id, parent_id, popularity_rank, title, release_date FROM old_rows)) changed));
    PERFORM refresh_game_texts(ARRAY(SELECT id FROM (
      (SELECT id, parent_id, title, short_description, description FROM old_rows
      EXCEPT SELECT id, parent_id, title, short_description, description FROM new_rows)
      UNION ALL
      (SELECT id, parent_id, title, short_description, description FROM new_rows
      EXCEPT SELECT id, parent_id, title, short_description, description FROM old_rows)) changed));
    PERFORM learn_words(ARRAY(
      SELECT title FROM new_rows WHERE parent_id IS NULL EXCEPT SELECT title FROM old_rows WHERE parent_id IS NULL));
  ELSE
    PERFORM refresh_listed_games(ARRAY(SELECT id FROM changed_rows WHERE parent_id IS NULL));
    PERFORM refresh_game_texts(ARRAY(SELECT id FROM changed_rows WHERE parent_id IS NULL));
    IF TG_OP = 'INSERT' THEN
      PERFORM learn_words(ARRAY(SELECT title FROM changed_rows WHERE parent_id IS NULL));
    END IF;
  END IF;
  RETURN NULL;
END $$;

-- Rows with a product_id. With the argument `text`, the words of a game come from them too.
CREATE FUNCTION list_product_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  products bigint[];
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    products := ARRAY(SELECT product_id FROM listed_game);
  ELSIF TG_OP = 'UPDATE' THEN
    products := ARRAY(
      SELECT product_id FROM (TABLE old_rows EXCEPT TABLE new_rows) before
      UNION SELECT product_id FROM (TABLE new_rows EXCEPT TABLE old_rows) after);
  ELSE
    products := ARRAY(SELECT DISTINCT product_id FROM changed_rows);
  END IF;
  PERFORM refresh_listed_games(products);
  IF TG_ARGV[0] = 'text' THEN
    PERFORM refresh_game_texts(products);
  END IF;
  RETURN NULL;
END $$;

-- As log_shared_rows does, this waits for those who have just made a product refer to the company. A transaction that
-- keeps its first snapshot does not see what they did; the words of those games stay as they are until they change.
CREATE FUNCTION list_company() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  renamed bigint[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    renamed := ARRAY(SELECT id FROM (SELECT id, name FROM new_rows EXCEPT SELECT id, name FROM old_rows) company);
    IF cardinality(renamed) > 0 THEN
      PERFORM FROM company WHERE id = ANY (renamed) ORDER BY id FOR UPDATE;
      PERFORM refresh_game_texts(ARRAY(SELECT DISTINCT product_id FROM product_company WHERE company_id = ANY (renamed)));
    END IF;
  END IF;
  PERFORM learn_words(ARRAY(SELECT name FROM new_rows));
  RETURN NULL;
END $$;
-- Who renames a company, and who deletes it, looks for its products.
CREATE INDEX product_company_company ON product_company (company_id);

CREATE TRIGGER list_insert AFTER INSERT ON product
  REFERENCING NEW TABLE AS changed_rows EXECUTE FUNCTION list_product();
CREATE TRIGGER list_update AFTER UPDATE ON product
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION list_product();
CREATE TRIGGER list_delete AFTER DELETE ON product
  REFERENCING OLD TABLE AS changed_rows EXECUTE FUNCTION list_product();
CREATE TRIGGER list_insert AFTER INSERT ON company
  REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION list_company();
CREATE TRIGGER list_update AFTER UPDATE ON company
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION list_company();
ALTER TABLE product ENABLE ALWAYS TRIGGER list_insert, ENABLE ALWAYS TRIGGER list_update,
  ENABLE ALWAYS TRIGGER list_delete;
ALTER TABLE company ENABLE ALWAYS TRIGGER list_insert, ENABLE ALWAYS TRIGGER list_update;

DO $$
DECLARE
  listed regclass;
  call text;
BEGIN
  FOREACH listed IN ARRAY '{price,rating_summary,product_tag,product_company}'::regclass[] LOOP
    call := format('EXECUTE FUNCTION list_product_rows(%s)',
      CASE WHEN listed = 'product_company'::regclass THEN '''text''' END);
    EXECUTE format('CREATE TRIGGER list_insert AFTER INSERT ON %s
      REFERENCING NEW TABLE AS changed_rows %s', listed, call);
    EXECUTE format('CREATE TRIGGER list_update AFTER UPDATE ON %s
      REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows %s', listed, call);
    EXECUTE format('CREATE TRIGGER list_delete AFTER DELETE ON %s
      REFERENCING OLD TABLE AS changed_rows %s', listed, call);
    EXECUTE format('CREATE TRIGGER list_truncate AFTER TRUNCATE ON %s %s', listed, call);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER list_insert, ENABLE ALWAYS TRIGGER list_update,
      ENABLE ALWAYS TRIGGER list_delete, ENABLE ALWAYS TRIGGER list_truncate', listed);
  END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION refresh_listed_games, refresh_game_texts, learn_words, list_product, list_product_rows,
  list_company FROM PUBLIC;
GRANT SELECT ON listed_game, game_text, search_word TO frontshelf_reader;
