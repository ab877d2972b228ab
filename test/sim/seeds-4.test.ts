import { seedSuite } from "./seed-suite.ts";

seedSuite(1501, 500);
