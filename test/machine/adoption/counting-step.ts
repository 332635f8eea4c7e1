/** A step that prints `line 1 of OF` and so on, five in a second. */
export const countingStep = ({ lines, of }: { lines: number; of: string }) =>
  `
  - name: counts
    run: |
      i=0
      while [ $i -lt ${lines} ]; do
        i=$((i + 1))
        echo "line $i of ${of}"
        sleep 0.2
      done
`.slice(1)
