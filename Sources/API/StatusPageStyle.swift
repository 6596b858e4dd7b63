// SPDX-License-Identifier: Apache-2.0

enum StatusPageStyle {
    /// The page's style sheet. It stands in the page itself, and the Content-Security-Policy allows just these bytes.
    static let text: StaticString = """
        :root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#5b6470;--line:#dde1e7;\
        --good:#1a7f4b;--bad:#c02626;--warn:#9a6700;--bar:#3b73d1;--track:#e6e9ee}
        @media(prefers-color-scheme:dark){:root{--bg:#101317;--card:#181c22;--ink:#e6e9ed;--soft:#9aa4b1;\
        --line:#2b313a;--good:#4cc38a;--bad:#ff7b72;--warn:#e3b341;--bar:#6ca0f6;--track:#2a303a}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--bg);color:var(--ink);\
        font:16px/1.45 system-ui,sans-serif}
        header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
        h1{font-size:1.5rem;margin:.2rem 0;overflow-wrap:anywhere}
        h2{font-size:1.05rem;margin:0 0 .6rem}
        p{margin:.3rem 0}
        main{columns:24rem;column-gap:1rem;margin-top:1rem}
        section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;\
        margin-bottom:1rem;break-inside:avoid}
        section.wide{column-span:all;margin-top:1rem}
        table{width:100%;border-collapse:collapse}
        th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);\
        overflow-wrap:anywhere}
        tr:first-child>*{border-top:0}
        th{font-weight:600}
        .list tr{display:flex;flex-wrap:wrap;border-top:1px solid var(--line)}
        .list tr:first-child,.list tr>*{border-top:0}
        .list th{flex:0 1 auto;min-width:6rem;max-width:100%}
        .list td{min-width:5rem;max-width:100%}
        .list td:last-child{flex:1 1 12rem}
        .tall td:last-child{flex-basis:100%;padding-top:0}
        .wide th{flex-basis:16rem}
        .time{white-space:nowrap}
        thead th{color:var(--soft);font-weight:500;font-size:.85rem}
        td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
        .soft{color:var(--soft);font-size:.9rem}
        .good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
        .state{font-weight:600;white-space:nowrap}
        .scroll{overflow-x:auto}
        svg{display:block;width:100%;height:.9rem;margin-top:.2rem}
        rect.track{fill:var(--track)}rect.bar{fill:var(--bar)}rect.over{fill:var(--bad)}line{stroke:var(--bad)}
        footer{margin:1rem 0;color:var(--soft);font-size:.9rem}
        a{color:inherit}

        """

    /// SHA-256 of `text`, base64, as the Content-Security-Policy wants it. A test compares it with sha256sum's.
    static let digest = "+buisqNHTvFPzBoT/coQ+UT5NDJlXhytbOTasi9qpyQ="
}
