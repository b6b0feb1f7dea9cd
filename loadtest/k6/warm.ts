/** Of the most popular products so many are viewed before a server is measured that is to be warm. */
export const warmProducts = 500;
