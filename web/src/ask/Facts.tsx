import { FactList } from "../ui/FactList";
import type { Decision } from "../wire/answer";
import { factsOf } from "./facts";

export const Facts = ({ decision }: { decision: Decision }) => <FactList className="facts" facts={factsOf(decision)} />;
