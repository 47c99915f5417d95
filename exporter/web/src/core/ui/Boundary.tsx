import { Component, type ReactNode } from "react";

import { Failure } from "./Failure";

/** Keeps the frame standing when a page fails. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <Failure
        error={this.state.error}
        again={() => {
          this.setState({ error: null });
        }}
      />
    );
  }
}
