// SPDX-License-Identifier: MIT
//
// quinn_transfer serve AT CERTIFICATE KEY FILE - send the file to whoever asks
// quinn_transfer fetch FROM CERTIFICATE FILE   - write what comes into the file
//
// Both speak QUIC by the library quinn. Certificate and key are DER.
use quinn::{ClientConfig, Endpoint, ServerConfig};
use rustls::{Certificate, PrivateKey, RootCertStore};
use std::{env, error::Error, fs, net::SocketAddr};

type Outcome = Result<(), Box<dyn Error>>;

fn certificate(path: &str) -> Result<Certificate, Box<dyn Error>> {
    Ok(Certificate(fs::read(path)?))
}

async fn serve(at: SocketAddr, cert: &str, key: &str, file: &str) -> Outcome {
    let key = PrivateKey(fs::read(key)?);
    let config = ServerConfig::with_single_cert(vec![certificate(cert)?], key)?;
    let endpoint = Endpoint::server(config, at)?;
    let content = fs::read(file)?;
    while let Some(incoming) = endpoint.accept().await {
        let connection = incoming.await?;
        let mut stream = connection.accept_bi().await?.0;
        stream.write_all(&content).await?;
        stream.finish().await?;
        connection.closed().await;
    }
    Ok(())
}

async fn fetch(from: SocketAddr, cert: &str, file: &str) -> Outcome {
    let mut roots = RootCertStore::empty();
    roots.add(&certificate(cert)?)?;
    let any = if from.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let mut endpoint = Endpoint::client(any.parse()?)?;
    endpoint.set_default_client_config(ClientConfig::with_root_certificates(roots));
    let connection = endpoint.connect(from, "localhost")?.await?;
    let (mut send, receive) = connection.open_bi().await?;
    send.finish().await?;
    fs::write(file, receive.read_to_end(usize::MAX).await?)?;
    connection.close(0u32.into(), b"");
    endpoint.wait_idle().await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", at, cert, key, file] => serve(at.parse()?, cert, key, file).await,
        ["fetch", from, cert, file] => fetch(from.parse()?, cert, file).await,
        _ => Err("quinn_transfer: serve or fetch".into()),
    }
}
