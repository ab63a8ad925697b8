/**
 * What the parity test makes both clients do. A scenario's commands run one after the other, first all with docker,
 * then all with gantry; `before` and `after` are run by docker and not compared, so both start from the same state.
 */

/** The image every scenario may use: busybox, made by the test. */
export const PARITY_IMAGE = 'gantry-parity:1';

export interface Scenario {
  readonly name: string;
  readonly before?: readonly string[][];
  readonly commands: readonly string[][];
  readonly after?: readonly string[][];
}

/** Splits a command line at blanks; single quotes keep blanks together. */
export function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

const all = (text: string): string[][] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(words);

const SLEEPER = `run -d --name parity -p 127.0.0.1:48080:80 -p 81/udp -p 48090-48092:90-92 --label x=y --label a.b-c=d ${PARITY_IMAGE} sh -c 'echo one; echo two >&2; exec sleep 1000'`;
const REMOVE = 'rm -f parity parity2';

/** Command lines that no client sends to an engine. */
const mistakes: Scenario = {
  name: 'mistakes',
  commands: all(`
    foo
    help nope
    container foo
    run
    run -it --rm
    run --nope x
    run -z x
    run --name
    run -h
    run --=x
    ps foo
    ps -n abc
    ps -f foo
    ps --no-trunc=foo
    ps --format '{{.Foo'
    ps --format '{{foo}}'
    ps --format '{{if}}'
    stop
    logs a b
    rename a
    exec a
    port a b c
    inspect
    -H foo://x ps
    -l foo ps
    run -p 99999999:1 x
    run -p abc x
    run -p 1-3:1-2 x
    run -p 1.2.3:80:80 x
    run -p 80:80/foo x
    run -p 80: x
    run --publish target=80,published x
    run --expose abc x
    run --expose 80:80 x
    run -m abc x
    run -m 1zb x
    run --cpus abc x
    run -e =x x
    run --env-file /nonexistent x
    run --label-file /nonexistent x
    run --mount foo x
    run --mount type=bind,src=x x
    run --mount type=bind,target=/x,foo=bar x
    run --mount type=bind,target=/x,volume-nocopy x
    run --mount type=tmpfs,target=/x,tmpfs-size=a x
    run -d -a stdout x
    run -a foo x
    run --network-alias a x
    run --network name=a,foo=b x
    run --network alias=a x
    run --network name=a,ip=1 --ip 2 x
    run --network a --network bridge x
    run --network a --network a x
    run --add-host x x
    run --dns x x
    run --dns-search 'a b' x
    run --link a:b:c x
    run --mac-address foo x
    run --ulimit x x
    run --ulimit nofile=a x
    run --ulimit nofile=5:3 x
    run --sysctl x x
    run --rm --restart always x
    run --detach=foo x
    run --pid foo x
    run --uts foo x
    run --userns foo x
    run --cgroupns foo x
    run --security-opt foo x
    run --security-opt seccomp=/nonexistent x
    run --storage-opt foo x
    run --gpus foo=bar x
    run --stop-timeout x x
    run --health-interval 5 x
    run --health-interval -5s x
    run --no-healthcheck --health-cmd a x
    run --memory-swappiness 200 x
    run --pull foo x
    run --blkio-weight 70000 x
    run --device-read-bps /dev/sda x
    run --device-read-iops /dev/sda:x x
    run --blkio-weight-device /dev/sda:5 x
    run --device a:b:c:d x
    run --log-driver none --log-opt a=b x
    run --platform foo x
    run --cidfile /etc/passwd ${PARITY_IMAGE}
    create --restart on-failure:a x
    run busybox@sha256:abc
    run UPPER
    pull UPPER
    tag ${PARITY_IMAGE} UPPER
    load -i /nonexistent
    save -o /nonexistent/x ${PARITY_IMAGE}
    import /nonexistent
    network create --gateway 10.1.0.1 x1
    network create --subnet 10.1.0.0/16 --gateway 10.2.0.1 x1
    events --since foo
    rm ''
  `),
};

const run: Scenario = {
  name: 'run',
  after: all(REMOVE),
  commands: all(`
    run --rm ${PARITY_IMAGE} echo hi
    run --rm ${PARITY_IMAGE} nope
    run --rm ${PARITY_IMAGE} /tmp
    run --rm ${PARITY_IMAGE} sh -c 'echo out; echo err >&2; exit 4'
    run --rm ${PARITY_IMAGE} sh -c 'kill -9 $$'
    run --rm -e FOO=bar -w /tmp ${PARITY_IMAGE} sh -c 'echo $FOO; pwd'
    run --rm -u 5:6 ${PARITY_IMAGE} id
    run --rm -i ${PARITY_IMAGE} cat
    run --rm -a stdout ${PARITY_IMAGE} sh -c 'echo out; echo err >&2'
    run --rm --entrypoint /bin/echo ${PARITY_IMAGE} a b
    run --rm --read-only ${PARITY_IMAGE} touch /x
    run --rm --hostname foo --add-host a:1.2.3.4 ${PARITY_IMAGE} sh -c 'hostname; grep 1.2.3.4 /etc/hosts'
    run --rm --cap-drop all ${PARITY_IMAGE} grep Cap /proc/self/status
    run --rm --ulimit nofile=77:88 ${PARITY_IMAGE} sh -c 'ulimit -n; ulimit -Hn'
    run --rm --mount type=tmpfs,target=/foo,tmpfs-size=1m ${PARITY_IMAGE} grep /foo /proc/mounts
    run --rm --group-add 77 ${PARITY_IMAGE} id -G
    run --rm -- ${PARITY_IMAGE} echo --rm
    run --rm -it ${PARITY_IMAGE} ls
    run --rm --network nope ${PARITY_IMAGE} true
    run --rm --mount type=bind,source=/nonexistent,target=/foo ${PARITY_IMAGE} ls
    run --rm -m 1m ${PARITY_IMAGE}
    run --rm -u nope ${PARITY_IMAGE}
    run --rm -w relative ${PARITY_IMAGE}
    run --rm --restart foo ${PARITY_IMAGE}
    run --rm --network container:nope ${PARITY_IMAGE} true
    run --rm --volumes-from nope ${PARITY_IMAGE} true
    run --rm --dns 127.0.0.1 ${PARITY_IMAGE} true
    run --rm --cap-add FOO ${PARITY_IMAGE} true
    run --pull never nope
    create --name parity ${PARITY_IMAGE}
    run --name parity ${PARITY_IMAGE}
    container run --rm ${PARITY_IMAGE} echo x
    create -v a:b:c:d ${PARITY_IMAGE}
    create --tmpfs foo ${PARITY_IMAGE}
  `),
};

const lists: Scenario = {
  name: 'ps and its formats',
  before: [words(SLEEPER)],
  after: all(REMOVE),
  commands: all(`
    ps --filter name=parity
    ps -a --no-trunc --filter name=parity
    ps -q --filter name=parity
    ps -s --filter name=parity
    ps --format json --filter name=parity
    ps --format '{{json .}}' --filter name=parity
    ps --format '{{.ID}} {{.Names}} {{.Label "x"}}' --filter name=parity
    ps --format 'table {{.Names}}\t{{.Ports}}\t{{.Label "a.b-c"}}' --filter name=parity
    ps --format 'table {{.Names}}\t{{upper .Image}}' --filter name=parity
    ps --format '{{.Nope}}' --filter name=parity
    ps --format '{{join .Names ","}}' --filter name=parity
    ps -q --format table --filter name=parity
    ps --filter foo=bar
    port parity
    port parity 80
    port parity 81/udp
    port parity 99
    port parity x
    top parity -o pid,comm
  `),
};

const processes: Scenario = {
  name: 'exec and logs',
  before: [words(SLEEPER)],
  after: all(REMOVE),
  commands: all(`
    exec parity echo hi
    exec parity nope
    exec nope a
    exec -d parity true
    exec -w /nope parity true
    exec parity sh -c 'exit 7'
    exec -e A=b parity sh -c 'echo $A'
    exec -u 5 parity id -u
    exec -it parity sh
    exec -it nope sh
    logs parity
    logs --tail 1 parity
    logs --tail 0 parity
    logs --since 1h parity
    logs nope
    logs --tail foo parity
  `),
};

const inspection: Scenario = {
  name: 'inspect and templates',
  before: [words(SLEEPER)],
  after: all(REMOVE),
  commands: all(`
    inspect parity
    inspect nope
    inspect parity nope ${PARITY_IMAGE}
    inspect -f json parity
    inspect -f '{{json .}}' parity
    inspect -f '{{.Name}} {{.State.Status}}' parity
    inspect -f '{{.Foo}}' parity
    inspect -f '{{.Foo' parity
    inspect -f '{{json .Config.Labels}}' parity ${PARITY_IMAGE}
    inspect -f '{{.HostConfig.Binds}} {{.HostConfig.PortBindings}} {{.Config.Labels}} {{.State.Health}}' parity
    inspect -f '{{index .Config.Labels "x"}}|{{index .Config.Labels "none"}}|' parity
    inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPPrefixLen}};{{end}}' parity
    inspect -f '{{range $i, $c := .Config.Cmd}}{{if $i}}, {{end}}{{$c}}{{end}}' parity
    inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' parity
    inspect -f '{{range $p, $c := .NetworkSettings.Ports}}{{$p}} {{end}}' parity
    inspect -f '{{if and .State.Running (not .State.Paused)}}up{{else}}down{{end}}' parity
    inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}no health{{end}}' parity
    inspect -f '{{join .Config.Cmd " "}} {{len .Config.Cmd}} {{upper .Name}} {{title "abc"}}' parity
    inspect -f '{{split .Config.Image ":"}} {{printf "%q %5d|%-5s|" .Name 3 "x"}}' parity
    inspect -f '{{index .Config.Cmd 10}}' parity
    inspect -f '{{.Config.Cmd.Foo}}' parity
    inspect --type image parity
    inspect --type container ${PARITY_IMAGE}
    container inspect nope
    image inspect nope
    image inspect ${PARITY_IMAGE} -f '{{.RepoTags}} {{.Os}} {{.Config.Env}} {{.Config.Cmd}}'
    volume inspect nope
    network inspect nope
    network inspect bridge -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}'
    info -f '{{.Driver}} {{.ServerVersion}}'
    version -f '{{.Server.Version}}'
  `),
};

const lifecycle: Scenario = {
  name: 'from start to removal',
  before: [words(SLEEPER)],
  after: all(REMOVE),
  commands: all(`
    pause parity
    pause parity
    exec parity true
    attach parity
    unpause parity
    unpause parity
    rename parity parity2
    rename parity2 parity
    rename nope x
    start parity
    rm parity
    kill -s FOO parity
    restart -t 0 parity nope
    stop -t 0 parity nope
    wait parity
    ps -a --filter name=parity
    start parity nope
    kill parity
    kill parity
    attach parity
    exec parity true
    logs -f parity
    start -a nope
    start -a parity nope
    rm nope
    rm -f nope
    rm parity
  `),
};

const storage: Scenario = {
  name: 'volumes',
  after: all('volume rm -f parity1 parity2'),
  commands: all(`
    volume create parity1
    volume create --label a=b parity2
    volume create v1 -d nope
    volume ls --filter name=parity
    volume ls -q --filter name=parity
    volume ls --format json --filter name=parity
    volume ls --format '{{.Name}}: {{.Driver}} {{.Labels}}' --filter name=parity
    volume ls -f x=y
    volume inspect parity1
    volume inspect parity2 -f '{{.Name}} {{.Options}} {{.Labels}}'
    volume rm parity1 nope
    volume rm -f nope
  `),
};

const networks: Scenario = {
  name: 'networks',
  after: all('rm -f parity\nnetwork rm parity-net'),
  commands: all(`
    network ls --filter name=host
    network ls -q --filter name=host
    network ls --no-trunc --filter name=host
    network ls --format '{{.Name}} {{.Driver}} {{.Internal}}' --filter name=host
    network create --subnet 10.97.0.0/16 --gateway 10.97.0.7 --ip-range 10.97.1.0/24 --aux-address a=10.97.0.9 --label x=y --internal parity-net
    network create parity-net
    network create bridge
    network create -d nope n2
    network create --subnet foo n2
    network inspect parity-net
    network inspect parity-net -f '{{.Labels}} {{.IPAM.Config}} {{.Containers}}'
    run -d --name parity --network parity-net --network-alias web --ip 10.97.1.5 ${PARITY_IMAGE} sleep 1000
    inspect -f '{{json (index .NetworkSettings.Networks "parity-net").Aliases}}' parity
    network rm parity-net
    network disconnect parity-net parity
    network connect --alias foo --ip 10.97.1.9 parity-net parity
    network connect parity-net nope
    network disconnect parity-net nope
    rm -f parity
    network rm parity-net nope
    network rm bridge
  `),
};

const images: Scenario = {
  name: 'images',
  after: all('rmi -f parity-other:2'),
  commands: all(`
    images ${PARITY_IMAGE}
    images -q ${PARITY_IMAGE}
    images --digests ${PARITY_IMAGE}
    images --no-trunc ${PARITY_IMAGE}
    images --format json ${PARITY_IMAGE}
    images --format '{{.Repository}}:{{.Tag}} {{.Size}}' ${PARITY_IMAGE}
    images nope
    images -f foo=bar
    history ${PARITY_IMAGE}
    history --no-trunc -q ${PARITY_IMAGE}
    history --format json ${PARITY_IMAGE}
    history nope
    tag ${PARITY_IMAGE} parity-other:2
    tag nope x
    rmi parity-other:2
    rmi nope
    rmi -f nope
    save nope
    import nope.tar
  `),
};

const events: Scenario = {
  name: 'events',
  before: all('volume create parity1\nvolume rm parity1'),
  commands: all(`
    events --since 1h --until 0s --filter volume=parity1 --filter event=create
    events --since 1h --until 0s --filter volume=parity1 --format json
    events --since 1h --until 0s --filter volume=parity1 --format '{{.Type}} {{.Action}} {{.Actor.ID}}'
    events --format '{{.Foo'
  `),
};

/** All scenarios. */
export const SCENARIOS: readonly Scenario[] = [
  mistakes,
  run,
  lists,
  processes,
  inspection,
  lifecycle,
  storage,
  networks,
  images,
  events,
];
