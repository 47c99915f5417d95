/** Which keys there are. */

import { Kbd, Modal, Table } from "@mantine/core";

import { PAGES } from "../../pages";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Go to the filter"],
  ["j  k", "Next, previous row"],
  ["Enter", "Open the row"],
  ["Esc", "Close, leave the field"],
  [".", "Pause, or follow again"],
  ["?", "This page"],
  ...PAGES.map(({ key, title }) => [`g  ${key}`, title] as const),
];

export function Keys({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="sm">
      <Table verticalSpacing={4}>
        <Table.Tbody>
          {KEYS.map(([keys, what]) => (
            <Table.Tr key={keys}>
              <Table.Td w={90}>
                {keys.split("  ").map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
