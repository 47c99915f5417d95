import { Page } from "../../core/ui/Page";

export default function Index() {
  return <Page title="runs">{null}</Page>;
}
