// Command bundle makes the demo page: it bundles the TypeScript and CSS of pkg/web/ui with mediasoup-client from
// ui/node_modules into pkg/web/page/dist, which pkg/web embeds. Run `npm ci --ignore-scripts` in pkg/web/ui first.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	ui := flag.String("ui", "pkg/web/ui", "folder with index.html, src and node_modules")
	out := flag.String("out", "pkg/web/page/dist", "folder to write the page to; replaced as a whole")
	sourcemap := flag.Bool("sourcemap", false, "write a source map beside the script")
	flag.Parse()
	size, err := bundle(*ui, *out, *sourcemap)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
	fmt.Printf("bundle: %s written, %d KiB\n", *out, size/1024)
}
