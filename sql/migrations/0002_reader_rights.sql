-- The server may read what pages and lists show, and nothing else.
GRANT USAGE ON SCHEMA public TO frontshelf_reader;
GRANT SELECT ON
  product, refund_type, company, product_company, tag, product_tag, media, media_variant, market, price,
  age_rating, product_age_rating, age_descriptor, product_age_descriptor, system_requirement, language,
  product_language, achievement, outlet, critic_review, poll, poll_result, review, rating_summary, social_link
TO frontshelf_reader;
