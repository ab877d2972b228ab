import { seedSuite } from "./seed-suite.ts";

seedSuite(1001, 500);
