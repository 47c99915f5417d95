import { Page } from "../../core/ui/Page";

export default function Index() {
  return <Page title="logs">{null}</Page>;
}
