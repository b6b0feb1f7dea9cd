import { market, type PriceRow, priceColumns, priceOf } from './price.ts';
import { type Query, read } from './query.ts';

const productStatement = `
  SELECT p.id, p.slug, p.title, p.offer_type AS type, p.short_description AS "shortDescription", p.description,
    p.release_date AS "releaseDate", p.legal_text AS "legalText",
    rt.code AS "refundCode", rt.name AS "refundName", rt.policy_url AS "refundPolicyUrl",
    a.system AS "ageSystem", a.code AS "ageCode", a.title AS "ageTitle", a.min_age AS "minAge",
    a.image_url AS "ageImageUrl",
    ARRAY(
      SELECT d.name FROM product_age_descriptor pd JOIN age_descriptor d ON d.id = pd.age_descriptor_id
      WHERE pd.product_id = p.id AND d.system = a.system ORDER BY d.name
    ) AS "ageDescriptors",
    ${priceColumns}
  FROM product p
  LEFT JOIN refund_type rt ON rt.code = p.refund_type_code
  LEFT JOIN market m ON m.code = $2
  LEFT JOIN price pr ON pr.product_id = p.id AND pr.market_code = m.code
  LEFT JOIN LATERAL (
    SELECT r.* FROM product_age_rating pa JOIN age_rating r ON r.id = pa.age_rating_id
    WHERE pa.product_id = p.id AND r.system = m.age_system ORDER BY r.min_age DESC LIMIT 1
  ) a ON true
  WHERE p.id = $1`;

const companiesStatement = `
  SELECT pc.role, c.name, c.url FROM product_company pc JOIN company c ON c.id = pc.company_id
  WHERE pc.product_id = $1 ORDER BY pc.position, c.id`;

interface ProductRow extends PriceRow {
  readonly id: number;
  readonly slug: string;
  readonly title: string;
  readonly type: string;
  readonly shortDescription: string;
  readonly description: string;
  readonly releaseDate: string | null;
  readonly legalText: string | null;
  readonly refundCode: string | null;
  readonly refundName: string | null;
  readonly refundPolicyUrl: string | null;
  readonly ageSystem: string | null;
  readonly ageCode: string | null;
  readonly ageTitle: string | null;
  readonly minAge: number | null;
  readonly ageImageUrl: string | null;
  readonly ageDescriptors: string[];
}

interface CompanyRow {
  readonly role: 'developer' | 'publisher';
  readonly name: string;
  readonly url: string | null;
}

export const product: Query = async (pool, productId) => {
  const [[row], companies] = await Promise.all([
    read<ProductRow>(pool, 'product', productStatement, [productId, market]),
    read<CompanyRow>(pool, 'companies', companiesStatement, [productId]),
  ]);
  if (row === undefined) return null;
  const inRole = (role: CompanyRow['role']) =>
    companies.filter((company) => company.role === role).map(({ name, url }) => ({ name, url }));
  return {
    id: row.id,
    slug: row.slug,
    title: row.title,
    type: row.type,
    shortDescription: row.shortDescription,
    description: row.description,
    developers: inRole('developer'),
    publishers: inRole('publisher'),
    releaseDate: row.releaseDate,
    ageRating: ageRatingOf(row),
    price: priceOf(row),
    refundType:
      row.refundCode === null
        ? null
        : { code: row.refundCode, name: row.refundName, policyUrl: row.refundPolicyUrl },
    legalText: row.legalText,
  };
};

const ageRatingOf = (row: ProductRow) =>
  row.ageSystem === null
    ? null
    : {
        system: row.ageSystem,
        code: row.ageCode,
        title: row.ageTitle,
        minAge: row.minAge,
        imageUrl: row.ageImageUrl,
        descriptors: row.ageDescriptors,
      };
